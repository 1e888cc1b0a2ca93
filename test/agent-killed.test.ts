/** `kill -9` of an agent: in Docker the job goes on, as a process it ends as lost, with what was logged. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { requirePart } from '@berth/agent/testing/parts';
import type { RunView } from '@berth/core/api-schemas';
import { Home, isAlive, until } from './home.ts';

/** Agents of this home, found as `ps` would: by their command line. */
function agentsOf(home: Home): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.includes('--instance') && words.some((word) => word.startsWith(home.dir));
      } catch {
        return false;
      }
    });
}

async function killAgent(home: Home): Promise<void> {
  const agents = agentsOf(home);
  assert.equal(agents.length, 1, `one agent, not ${agents.length}`);
  for (const pid of agents) {
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid), 'the agent is dead');
  }
}

test('as a process: the job ends as failed, agent lost, and what was logged is there', async (t) => {
  if (process.platform !== 'linux') return t.skip('finds the agent through /proc');
  await using home = new Home();
  const stdin = 'type: task\nname: lost\ncommands: [echo before; sleep 60]\n';
  const running = home.start(['apply', '-y', '-f', '-'], { stdin });
  await until(() => running.stdout().includes('before'), 'it has started');
  await killAgent(home);
  const { code, stdout, seen } = await running.finished;
  assert.notEqual(code, 0, seen);
  assert.equal(stdout.toString(), 'before\n');
  assert.match(seen, /agent lost/);
  const run = await home.json<RunView>(['run', 'get', 'lost']);
  assert.equal(run.status, 'failed');
  assert.equal(run.jobs[0]?.end_reason, 'agent-lost');
  const next = await home.berth(['apply', '-y', '-n', 'next', '-f', '-'], {
    stdin: 'type: task\ncommands: [echo fine]\n',
  });
  assert.equal(next.code, 0, `the instance works again:\n${next.seen}`);
});

test('in Docker: the job goes on, the log has no gap and no duplicate, the exit code is right', async (t) => {
  if (!(await requirePart(t, 'docker'))) return;
  await using home = new Home();
  const stdin = `type: task
name: boxed
image: berth-test/busybox
commands:
  - i=0; while [ $i -lt 60 ]; do echo "line $i"; i=$((i+1)); sleep 0.1; done; exit 3
`;
  const running = home.start(['apply', '-y', '-f', '-'], { stdin });
  await until(() => running.stdout().includes('line 5\n'), 'it has started');
  await killAgent(home);
  const { code, stdout, seen } = await running.finished;
  assert.equal(stdout.toString(), `${Array.from({ length: 60 }, (_, i) => `line ${i}`).join('\n')}\n`, seen);
  assert.equal(code, 3, seen);
});
