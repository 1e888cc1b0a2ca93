import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobAssignment } from '@berth/core/job-spec';
import { testAssignment } from './testing/assignment.ts';
import { requirePart, TEST_IMAGE } from './testing/parts.ts';
import { blobOf, makeTar } from './testing/tar-writer.ts';
import { TestAgent } from './testing/test-agent.ts';
import { useBench } from './testing/test-suite.ts';

const bench = useBench();

/** What a job's output may look like, at its worst. */
const OUTPUTS: readonly (readonly [string, Buffer])[] = [
  ['ANSI codes', Buffer.from('\u001b[31mred\u001b[0m\r50%\r100%\n\u001b[2J\u001b[H')],
  ['random bytes', randomBytes(300_000)],
  ['a line of 1 MB', Buffer.concat([Buffer.alloc(1_000_000, 'a line without an end, '), Buffer.from('\n')])],
  ['no final newline', Buffer.from('first\nlast')],
  ['nothing but newlines', Buffer.from('\n\n\n')],
  ['a zero byte and broken UTF-8', Buffer.from([0, 0xff, 0xfe, 0xc3, 0x28, 0, 0x0a, 0xf0, 0x9f])],
  ['one byte', Buffer.from('x')],
];

/** A job that has `bytes` as a file and writes it out. */
async function printing(bytes: Buffer, image: string | null, commands = ['cat payload']): Promise<JobAssignment> {
  // The tar writer of the tests takes text; binary goes in as base64.
  const encoded = blobOf(makeTar([{ path: 'payload', content: bytes.toString('base64') }]));
  await bench.server.link.putBlob(encoded.hash, Readable.from([encoded.bytes]));
  return testAssignment({
    image,
    workingDir: image === null ? null : '/tmp',
    commands: ['base64 -d payload.b64 > payload', ...commands],
    files: [{ blob: encoded.hash, bytes: encoded.bytes.length, path: 'payload.b64' }],
  });
}

for (const image of [null, TEST_IMAGE]) {
  describe(image === null ? 'the output of a process' : 'the output of a container', () => {
    for (const [what, bytes] of OUTPUTS) {
      it(`with ${what} arrives byte for byte`, async (t) => {
        if (image !== null && !(await requirePart(t, 'docker'))) return;
        const assignment = await printing(bytes, image);
        const ended = await bench.server.run(assignment);
        assert.deepEqual([ended.reason, ended.message, ended.exitStatus], ['exited', '', 0]);
        const log = bench.server.logOf(assignment.job);
        assert.equal(log.length, bytes.length);
        assert.ok(log.equals(bytes));
      });
    }

    it('keeps the order of stdout and stderr', async (t) => {
      if (image !== null && !(await requirePart(t, 'docker'))) return;
      const commands = [
        'i=0; while [ $i -lt 300 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done',
        'echo x > /dev/stderr',
      ];
      const assignment = testAssignment({ image, commands });
      await bench.server.run(assignment);
      const expected = Array.from({ length: 300 }, (_, i) => `o${i}\ne${i}\n`).join('');
      assert.equal(bench.server.logOf(assignment.job).toString(), `${expected}x\n`);
    });

    it('comes at once, with the time at which it was written', async (t) => {
      if (image !== null && !(await requirePart(t, 'docker'))) return;
      const assignment = testAssignment({
        image,
        commands: ['echo early; sleep 0.4; echo late; sleep 5'],
        stopDurationMs: 0,
      });
      await bench.server.begin(assignment);
      await bench.server.until(
        'both lines',
        () => bench.server.logOf(assignment.job).toString() === 'early\nlate\n',
        3_000,
      );
      const [early = 0, late = 0] = bench.server.logTimes(assignment.job);
      assert.ok(late - early >= 350 && late - early < 1_500, `${late - early} ms`);
      await bench.server.link.request('job.stop', { job: assignment.job, graceMs: 0 });
      await bench.server.end(assignment.job);
    });
  });
}

describe("the output of an image's own entrypoint", () => {
  it('arrives from both streams', async (t) => {
    if (!(await requirePart(t, 'docker'))) return;
    const entrypoint = ['sh', '-c', 'printf out; sleep 0.2; printf err >&2; sleep 0.2; printf "out again"'];
    const assignment = testAssignment({ image: TEST_IMAGE, entrypoint });
    assert.equal((await bench.server.run(assignment)).exitStatus, 0);
    assert.equal(bench.server.logOf(assignment.job).toString(), 'outerrout again');
  });
});

describe('a server that is slow or fails', () => {
  it('gets 200 MB complete and in order, while the agent stays small', async (t) => {
    const own = await TestAgent.start(t);
    const mine = await own.connect();
    mine.keepsLogs = false;
    const hash = createHash('sha256');
    let largest = 0;
    let delivered = 0;
    mine.beforeLog = async (_job, bytes) => {
      hash.update(bytes);
      delivered += bytes.length;
      largest = Math.max(largest, own.residentBytes);
      // For its first half the reader is slower than any job.
      if (delivered < 20_000_000) await sleep(10);
    };
    const assignment = testAssignment({ commands: ['yes "a line that is repeated" | head -c 200000000'] });
    await mine.begin(assignment);
    const ended = await mine.end(assignment.job, 120_000);
    assert.equal(ended.logBytes, 200_000_000);
    const line = Buffer.from('a line that is repeated\n');
    const expected = createHash('sha256');
    const million = Buffer.concat(Array.from({ length: 1_000_000 / 8 }, () => line));
    for (let left = 200_000_000; left > 0; left -= million.length)
      expected.update(million.subarray(0, Math.min(left, million.length)));
    assert.equal(hash.digest('hex'), expected.digest('hex'));
    // Some 105 MiB are Node with its compiler for TypeScript, which the built agent does without.
    assert.ok(largest < 190 * 1024 * 1024, `${Math.round(largest / 1024 / 1024)} MiB`);
    assert.deepEqual(mine.faults, []);
    mine.link.close();
  });

  it('that cannot store a log for a while loses nothing and gets nothing twice', async () => {
    let failures = 0;
    const assignment = testAssignment({
      commands: ['i=0; while [ $i -lt 20 ]; do echo line $i; sleep 0.02; i=$((i+1)); done'],
    });
    bench.server.beforeLog = async (job) => {
      if (job === assignment.job && failures < 4) {
        failures += 1;
        throw new Error('the log store is full');
      }
    };
    await bench.server.run(assignment);
    bench.server.beforeLog = async () => undefined;
    assert.equal(failures, 4);
    assert.equal(
      bench.server.logOf(assignment.job).toString(),
      Array.from({ length: 20 }, (_, i) => `line ${i}\n`).join(''),
    );
  });

  it('that cannot store an event for a while gets all of them in order', async () => {
    let failures = 0;
    bench.server.beforeEvent = async (event) => {
      if (event.kind === 'job-running' && failures < 2) {
        failures += 1;
        throw new Error('the database is locked');
      }
    };
    const assignment = testAssignment({ commands: ['true'] });
    await bench.server.run(assignment);
    bench.server.beforeEvent = async () => undefined;
    assert.deepEqual(
      bench.server.eventsOf(assignment.job).map((event) => event.kind),
      ['job-ready', 'job-running', 'job-ended'],
    );
  });

  it('that goes away in the middle goes on where it stopped', async () => {
    const assignment = testAssignment({
      commands: ['i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; sleep 0.5; echo end'],
    });
    await bench.server.begin(assignment);
    for (let round = 0; round < 5; round++) {
      await sleep(40);
      bench.server.link.close();
      await bench.agent.connect(bench.server);
    }
    await bench.server.end(assignment.job);
    const expected = Array.from({ length: 3000 }, (_, i) => `line ${i}\n`).join('');
    assert.equal(bench.server.logOf(assignment.job).toString(), `${expected}end\n`);
  });

  it('hears of a stop at once, although a log is under way', async () => {
    const assignment = testAssignment({ commands: ['yes'] });
    bench.server.keepsLogs = false;
    bench.server.beforeLog = async () => await sleep(20);
    await bench.server.begin(assignment);
    await bench.server.until('the log is under way', () => bench.server.logBytes(assignment.job) > 5_000_000);
    const began = performance.now();
    await bench.server.link.request('blob.missing', { hashes: [] });
    const answered = performance.now() - began;
    bench.server.beforeLog = async () => undefined;
    await bench.server.link.request('job.stop', { job: assignment.job, graceMs: 0 });
    await bench.server.end(assignment.job);
    bench.server.keepsLogs = true;
    assert.ok(answered < 300, `${answered} ms`);
  });
});
