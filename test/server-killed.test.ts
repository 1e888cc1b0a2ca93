/** `kill -9` of the server at any moment of a run: the job goes on, and afterwards everything is right. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InstanceView, RunView } from '@berth/core/api-schemas';
import { Home, until } from './home.ts';

const LINES = 40;
const SCRIPT = `let i = 0; const t = setInterval(() => { console.log('line ' + i); if (++i === ${LINES}) { clearInterval(t); process.exitCode = 5; } }, 50);`;
const WANTED = `${Array.from({ length: LINES }, (_, i) => `line ${i}`).join('\n')}\n`;

async function finished(home: Home, name: string): Promise<RunView> {
  let run: RunView | null = null;
  await until(
    async () => {
      run = await home.json<RunView>(['run', 'get', name]);
      return run.finished_at !== null;
    },
    `${name} is finished`,
    60_000,
  );
  if (run === null) throw new Error('unreachable');
  return run;
}

// Moments between the answer to apply and some time after the end of the job, which takes 2 s.
for (const afterMs of [0, 20, 60, 150, 400, 1_000, 1_900, 2_300, 2_800]) {
  test(`server killed ${afterMs} ms after apply: status, log without gap or duplicate, and exit code are right`, async () => {
    await using home = new Home();
    await home.write('count.mjs', SCRIPT);
    const name = `k${afterMs}`;
    const applied = await home.berth(['apply', '-y', '-d', '-n', name, '-f', '-'], {
      stdin: 'type: task\ncommands: [node count.mjs]\n',
    });
    assert.equal(applied.code, 0, applied.seen);
    await sleep(afterMs);
    await home.killServer();
    // A while without any server: the job does not notice.
    await sleep(500);
    const run = await finished(home, name);
    assert.equal(run.status, 'failed');
    assert.equal(run.exit_status, 5);
    assert.equal(run.jobs.length, 1);
    assert.equal(run.jobs[0]?.submission, 0, 'it ran once');
    const log = await home.berth(['logs', name]);
    assert.equal(log.stdout.toString(), WANTED);
    const alive = await home.json<InstanceView[]>(['instance', 'list']);
    assert.deepEqual(
      alive.map((instance) => instance.status),
      ['idle'],
    );
  });
}

test('a follower of the log sees it whole although the server died in between', async () => {
  await using home = new Home();
  await home.write('count.mjs', SCRIPT);
  const following = home.start(['apply', '-y', '-n', 'followed', '-f', '-'], {
    stdin: 'type: task\ncommands: [node count.mjs]\n',
  });
  await until(() => following.stdout().includes('line 5\n'), 'some of it has come');
  await home.killServer();
  // Somebody else's command brings the server back.
  await home.json(['ps']);
  const { code, stdout, seen } = await following.finished;
  assert.equal(stdout.toString(), WANTED, seen);
  assert.equal(code, 5, seen);
});
