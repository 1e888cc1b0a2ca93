/** A job as a process, from an empty BERTH_HOME to its recorded end, through the real command line and server. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { InstanceView, RunView } from '@berth/core/api-schemas';
import { Home, until } from './home.ts';

interface Runs {
  readonly runs: readonly RunView[];
}

test('from nothing: one command plans, places, runs, streams and ends, with artifacts and a price', async () => {
  await using home = new Home();
  await home.write(
    'job.yml',
    `type: task
name: first
commands:
  - mkdir -p out
  - echo "hello from $BERTH_RUN_NAME"
  - echo 42 > out/answer.txt
artifacts: [out]
`,
  );
  const applied = await home.berth(['apply', '-y', '-f', 'job.yml']);
  assert.equal(applied.code, 0, applied.seen);
  assert.match(applied.stdout.toString(), /^hello from first$/m);
  assert.match(applied.seen, /\$0/, 'the price is said');
  const run = await home.json<RunView>(['run', 'get', 'first']);
  assert.equal(run.status, 'done');
  assert.equal(run.exit_status, 0);
  assert.equal(run.cost, 0);
  const answer = readFileSync(findArtifact(applied.seen, home.work), 'utf8');
  assert.equal(answer, '42\n');
});

/** The folder is told at the end, as a person would find it. */
function findArtifact(seen: string, work: string): string {
  for (const word of seen.split(/\s+/)) {
    for (const folder of [word, join(work, word)]) {
      for (const path of [join(folder, 'out', 'answer.txt'), join(folder, 'answer.txt')])
        if (existsSync(path)) return path;
    }
  }
  throw new Error(`no artifact folder is told:\n${seen}`);
}

test("the exit code is the job's: 0, 7, and 128 and the signal's number", async () => {
  await using home = new Home();
  for (const [command, code] of [
    ['exit 0', 0],
    ['exit 7', 7],
    ['kill -KILL $$', 137],
  ] as const) {
    const { code: got, seen } = await home.berth(['apply', '-y', '-f', '-'], {
      stdin: `type: task\ncommands: ['${command}']\n`,
    });
    assert.equal(got, code, `${command}:\n${seen}`);
  }
});

test('a second run uses the idle instance of the first', async () => {
  await using home = new Home();
  for (const name of ['one', 'two']) {
    const { code, seen } = await home.berth(['apply', '-y', '-n', name, '-f', '-'], {
      stdin: 'type: task\ncommands: [echo hi]\n',
    });
    assert.equal(code, 0, seen);
  }
  const instances = await home.json<InstanceView[]>(['instance', 'list']);
  assert.equal(instances.length, 1);
});

test('the log survives byte for byte: ANSI codes, binary bytes, a 1 MB line, no final newline', async () => {
  await using home = new Home();
  await home.write(
    'bytes.mjs',
    `const all = Buffer.from(Array.from({ length: 65536 }, (_, i) => (i * 7 + (i >> 8)) & 255));
process.stdout.write(Buffer.concat([Buffer.from('\\x1b[31mred\\x1b[0m\\r\\n'), all, Buffer.alloc(1 << 20, 'x'), Buffer.from('\\nthe end')]));\n`,
  );
  const { code, stdout, seen } = await home.berth(['apply', '-y', '-n', 'bytes', '-f', '-'], {
    stdin: 'type: task\ncommands: [node bytes.mjs]\n',
  });
  assert.equal(code, 0, seen);
  const all = Buffer.from(Array.from({ length: 65536 }, (_, i) => (i * 7 + (i >> 8)) & 255));
  const wanted = Buffer.concat([
    Buffer.from('\x1b[31mred\x1b[0m\r\n'),
    all,
    Buffer.alloc(1 << 20, 'x'),
    Buffer.from('\nthe end'),
  ]);
  assert.equal(sha256(stdout), sha256(wanted), 'what apply streamed');
  const again = await home.berth(['logs', 'bytes']);
  assert.equal(sha256(again.stdout), sha256(wanted), 'what the log store kept');
});

const sha256 = (bytes: Buffer): string => `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('hex')}`;

test('several nodes start together, with ranks and addresses, each on an instance of its own', async () => {
  await using home = new Home();
  const { code, seen } = await home.berth(['apply', '-y', '-n', 'gang', '-f', '-'], {
    stdin: `type: task
nodes: 3
commands:
  - echo "rank $DSTACK_NODE_RANK of $BERTH_NODES_NUM master $DSTACK_MASTER_NODE_IP"
  - test "$(echo "$DSTACK_NODES_IPS" | sort -u | wc -l)" = 3
  - test "$(echo "$DSTACK_NODES_IPS" | head -n 1)" = "$BERTH_MASTER_NODE_IP"
`,
  });
  assert.equal(code, 0, seen);
  const run = await home.json<RunView>(['run', 'get', 'gang']);
  assert.deepEqual(
    run.jobs.map((job) => job.status),
    ['done', 'done', 'done'],
  );
  assert.equal(new Set(run.jobs.map((job) => job.instance?.id)).size, 3);
  for (const rank of [0, 1, 2]) {
    const log = await home.berth(['logs', 'gang', '--node', String(rank)]);
    assert.match(log.stdout.toString(), new RegExp(`^rank ${rank} of 3 master 127\\.`), log.seen);
  }
});

test('stop is graceful, the instance is idle afterwards, and the exit is told', async () => {
  await using home = new Home();
  const stdin = `type: task
name: long
commands:
  - trap 'echo cleaning up; exit 0' TERM; echo started; while true; do sleep 0.1; done
`;
  const running = home.start(['apply', '-y', '-f', '-'], { stdin });
  await until(() => running.stdout().includes('started'), 'it has started');
  const stopped = await home.berth(['stop', 'long', '-y']);
  assert.equal(stopped.code, 0, stopped.seen);
  const applied = await running.finished;
  assert.match(applied.stdout.toString(), /cleaning up/);
  const run = await home.json<RunView>(['run', 'get', 'long']);
  assert.equal(run.status, 'terminated');
  assert.equal(run.end_reason, 'stopped-by-user');
  const instances = await home.json<InstanceView[]>(['instance', 'list']);
  assert.deepEqual(
    instances.map((instance) => instance.status),
    ['idle'],
  );
});

test('an image where no Docker engine answers is an error that says what to do', async () => {
  await using home = new Home();
  const { code, seen } = await home.berth(['apply', '-y', '-n', 'boxed', '-f', '-'], {
    stdin: 'type: task\nimage: busybox\ncommands: [echo hi]\n',
    env: { DOCKER_HOST: `unix://${home.dir}/no-such.sock` },
  });
  assert.notEqual(code, 0);
  assert.match(seen, /Docker/);
  assert.match(seen, /image/);
});

test('a file that cannot be read is named, exit code 2, and nothing is created', async (t) => {
  if (process.getuid?.() === 0) t.diagnostic('root reads everything: the missing file alone is tried');
  await using home = new Home();
  const missing = await home.berth(['apply', '-y', '-f', 'nowhere.yml']);
  assert.equal(missing.code, 2, missing.seen);
  assert.match(missing.stderr, /nowhere\.yml/);
  if (process.getuid?.() !== 0) {
    await home.write('locked.yml', 'type: task\n');
    await chmod(join(home.work, 'locked.yml'), 0);
    const locked = await home.berth(['apply', '-y', '-f', 'locked.yml']);
    assert.equal(locked.code, 2, locked.seen);
  }
  assert.deepEqual((await home.json<Runs>(['ps', '-a'])).runs, []);
});
