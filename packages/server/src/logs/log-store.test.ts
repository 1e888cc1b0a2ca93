import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { JobId } from '@berth/core/ids';
import fc from 'fast-check';
import { type LogFile, LogGap, type OpenLogFile, openLogFile } from './job-log.ts';
import { LogStore } from './log-store.ts';

const job = '01aaaaaaaabbbbbbbbbbbbbbb1' as JobId;

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'berth-logs-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

async function readAll(store: LogStore, of: JobId, maxBytes = 1000): Promise<Buffer> {
  const reader = store.reader(of, maxBytes);
  const parts: Uint8Array[] = [];
  for (let at = 0; ; ) {
    const chunk = await reader.read(at);
    if (chunk === null) return Buffer.concat(parts);
    assert.equal(chunk.offset, at);
    parts.push(Buffer.from(chunk.bytes));
    at += chunk.bytes.length;
  }
}

const fileOf = (dir: string): string => join(dir, 'b1', `${job}.log`);

test('any appends in any overlapping order leave exactly the bytes, also over a restart', async (t) => {
  const root = scratch(t);
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 3000 }),
      fc.array(fc.record({ back: fc.nat(500), length: fc.nat(700), reopen: fc.boolean(), wait: fc.boolean() }), {
        minLength: 1,
        maxLength: 25,
      }),
      async (bytes, steps) => {
        const dir = join(root, `${runs++}`);
        let store = new LogStore({ dir, now: Date.now });
        const pending: Promise<void>[] = [];
        let end = 0;
        for (const step of steps) {
          const from = Math.max(0, end - step.back);
          const piece = bytes.slice(from, from + step.length);
          pending.push(store.append(job, from, 1000, piece));
          end = Math.max(end, from + piece.length);
          if (step.wait) await pending.at(-1);
          if (!step.reopen) continue;
          await Promise.all(pending);
          await store.close();
          store = new LogStore({ dir, now: Date.now });
        }
        await Promise.all(pending);
        assert.equal(await store.size(job), end);
        assert.deepEqual(new Uint8Array(await readAll(store, job, 100)), bytes.slice(0, end));
        await store.close();
      },
    ),
    { numRuns: 60 },
  );
});

test('bytes behind a hole are refused, with where to go on', async (t) => {
  const store = new LogStore({ dir: scratch(t), now: Date.now });
  t.after(() => store.close());
  await store.append(job, 0, 1, Buffer.from('abc'));
  await assert.rejects(
    store.append(job, 4, 1, Buffer.from('e')),
    (error) => error instanceof LogGap && error.expected === 3,
  );
  await store.append(job, 3, 1, Buffer.from('de'));
  assert.equal((await readAll(store, job)).toString(), 'abcde');
});

test('a job that is unknown has an empty log, and asking makes no file', async (t) => {
  const dir = scratch(t);
  const store = new LogStore({ dir, now: Date.now });
  assert.equal(await store.size(job), 0);
  assert.equal(await store.reader(job, 10).read(0), null);
  assert.equal(await store.offsetAt(job, 0), 0);
  assert.deepEqual(readdirSync(dir), []);
  const [size] = await Promise.all([store.size(job), store.append(job, 0, 1, Buffer.from('now')), store.size(job)]);
  assert.equal(size, 0);
  assert.equal(await store.size(job), 3);
  await store.close();
});

test('times are found again, to a tenth of a second, and a clock that steps back harms nothing', async (t) => {
  const dir = scratch(t);
  const store = new LogStore({ dir, now: Date.now });
  let offset = 0;
  for (let line = 0; line < 1000; line++) {
    const at = line === 500 ? 0 : 1_000_000 + line * 1000;
    await store.append(job, offset, at, Buffer.alloc(10, 'x'));
    offset += 10;
  }
  assert.equal(await store.offsetAt(job, 1_000_000 + 700_000), 7000);
  assert.equal(await store.offsetAt(job, 0), 0);
  assert.equal(await store.offsetAt(job, 9_000_000), 10_000);
  const forward = store.reader(job, 3);
  for (let line = 0; line < 1000; line += 7) {
    const expected = line === 500 ? 1_499_000 : 1_000_000 + line * 1000;
    assert.equal((await forward.read(line * 10))?.at, expected);
  }
  assert.equal((await forward.read(15))?.at, 1_001_000, 'a reader may go back');
  await store.close();
  assert.equal(readFileSync(join(dir, 'b1', `${job}.idx`)).length, 999 * 16);
});

test('output that comes at once shares an entry', async (t) => {
  const dir = scratch(t);
  const store = new LogStore({ dir, now: Date.now });
  for (let n = 0; n < 1000; n++) await store.append(job, n, 5000 + n, Buffer.from('x'));
  await store.close();
  assert.equal(readFileSync(join(dir, 'b1', `${job}.idx`)).length, 10 * 16);
});

test('what a crash left half-written is a true beginning: the log goes on behind it', async (t) => {
  const dir = scratch(t);
  let store = new LogStore({ dir, now: Date.now });
  await store.append(job, 0, 1000, Buffer.from('abcdef'));
  await store.append(job, 6, 9000, Buffer.from('ghi'));
  await store.close();
  // Bytes of the next append that were never acknowledged, and a torn entry.
  appendFileSync(fileOf(dir), 'jk');
  appendFileSync(join(dir, 'b1', `${job}.idx`), 'torn');
  store = new LogStore({ dir, now: Date.now });
  assert.equal(await store.size(job), 11);
  await store.append(job, 9, 20_000, Buffer.from('jklm'));
  assert.equal((await readAll(store, job)).toString(), 'abcdefghijklm');
  assert.equal((await store.reader(job, 5).read(11))?.at, 20_000);
  await store.close();
  // Power was lost: the index is ahead of the bytes.
  truncateSync(fileOf(dir), 4);
  store = new LogStore({ dir, now: Date.now });
  assert.equal(await store.size(job), 4);
  await store.append(job, 4, 30_000, Buffer.from('efgh'));
  assert.equal((await store.reader(job, 9).read(4))?.at, 30_000);
  await store.close();
});

test('kill -9 in the middle of appends loses nothing that was acknowledged', async (t) => {
  const dir = scratch(t);
  const program = `
    import { LogStore } from ${JSON.stringify(join(import.meta.dirname, 'log-store.ts'))};
    const store = new LogStore({ dir: process.argv[1], now: Date.now });
    const byteAt = (n) => (n * 31 + (n >> 8)) & 255;
    let offset = await store.size('${job}');
    for (;;) {
      const piece = Uint8Array.from({ length: 50_000 }, (_, n) => byteAt(offset + n));
      await store.append('${job}', offset, Date.now(), piece);
      offset += piece.length;
      process.stdout.write(offset + '\\n');
    }`;
  const byteAt = (n: number): number => (n * 31 + (n >> 8)) & 255;
  let acknowledged = 0;
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, '--', dir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let heard = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
      if (heard.length > 200) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const lines = heard.split('\n').slice(0, -1);
    assert.ok(lines.length > 0);
    acknowledged = Number(lines.at(-1));
    const bytes = readFileSync(fileOf(dir));
    assert.ok(bytes.length >= acknowledged, `${bytes.length} < ${acknowledged}`);
    assert.ok(bytes.every((byte, n) => byte === byteAt(n)));
  }
  const store = new LogStore({ dir, now: Date.now });
  assert.ok((await store.size(job)) >= acknowledged);
  await store.close();
});

/** Files on a disk with room for `room.bytes` more bytes; the last write before it is full is a short one. */
function onDisk(room: { bytes: number }): OpenLogFile {
  const full = (): Error => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  return async (path, how) => {
    const real = await openLogFile(path, how);
    const write = async (bytes: Uint8Array, position: number) => {
      if (room.bytes === 0 && bytes.length > 0) throw full();
      const taken = Math.min(room.bytes, bytes.length);
      room.bytes -= taken;
      await real.write(bytes.subarray(0, taken), 0, taken, position);
      return { bytesWritten: taken, buffer: bytes };
    };
    const file = {
      read: real.read.bind(real),
      stat: real.stat.bind(real),
      close: real.close.bind(real),
      write: (bytes: Uint8Array, offset: number, length: number, position: number) =>
        write(bytes.subarray(offset, offset + length), position),
      writev: (parts: Uint8Array[], position: number) => write(Buffer.concat(parts), position),
    };
    return file as unknown as LogFile; // only the overloads that a log uses
  };
}

test('a full disk refuses, is told once per job and episode, and the log is whole once there is room', async (t) => {
  const room = { bytes: 1000 };
  const problems: string[] = [];
  let recovered = 0;
  let now = 0;
  const store = new LogStore({
    dir: scratch(t),
    now: () => now,
    openFile: onDisk(room),
    onProblem: (of, message) => problems.push(`${of} ${message}`),
    onRecovered: () => recovered++,
  });
  t.after(() => store.close());
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, n) => n % 251));
  const appendAll = async (): Promise<number> => {
    let refused = 0;
    for (let from = await store.size(job); from < bytes.length; from += 300)
      await store.append(job, from, now, bytes.subarray(from, from + 300)).catch(() => refused++);
    return refused;
  };
  assert.ok((await appendAll()) > 1);
  assert.ok((await appendAll()) > 1);
  assert.deepEqual(problems, [`${job} ENOSPC: no space left on device`]);
  const before = await readAll(store, job);
  assert.deepEqual(before, bytes.subarray(0, before.length));

  room.bytes = 1_000_000;
  now = 10_000;
  assert.equal(await appendAll(), 0);
  assert.equal(recovered, 0, 'a single success is not the end of an episode');
  now = 40_000;
  await store.append(job, bytes.length, now, Buffer.from('x'));
  assert.equal(recovered, 1);
  assert.deepEqual(await readAll(store, job), Buffer.concat([bytes, Buffer.from('x')]));

  room.bytes = 0;
  await assert.rejects(store.append(job, bytes.length + 1, now, Buffer.from('y')), { code: 'ENOSPC' });
  assert.equal(problems.length, 2);
});

test('what waits behind a write that failed is refused with it: nothing is acknowledged over a hole', async (t) => {
  const room = { bytes: 1000 };
  const store = new LogStore({ dir: scratch(t), now: Date.now, openFile: onDisk(room) });
  t.after(() => store.close());
  await store.append(job, 0, 1, Buffer.alloc(100));
  room.bytes = 0;
  const outcomes = await Promise.allSettled(
    [0, 1, 2].map((n) => store.append(job, 100 + n * 100, 1, Buffer.alloc(100))),
  );
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  );
  assert.equal(await store.size(job), 100);
});

test('a folder that cannot be written refuses, and works again once it can', async (t) => {
  const dir = scratch(t);
  writeFileSync(join(dir, 'b1'), 'in the way');
  const store = new LogStore({ dir, now: Date.now });
  t.after(() => store.close());
  await assert.rejects(store.append(job, 0, 1, Buffer.from('abc')));
  rmSync(join(dir, 'b1'));
  await store.append(job, 0, 1, Buffer.from('abc'));
  assert.equal(await store.size(job), 3);
  chmodSync(fileOf(dir), 0o400);
  await store.close();
  assert.equal((await readAll(store, job)).toString(), 'abc', 'what may only be read is read');
});

test('files that are open are bounded, and followers hear of appends all the same', async (t) => {
  const store = new LogStore({ dir: scratch(t), now: Date.now, maxOpen: 3 });
  t.after(() => store.close());
  const jobs = Array.from({ length: 40 }, (_, n) => `01job${n}` as JobId);
  const sizes: number[] = [];
  const stop = store.onAppend(jobs[0] as JobId, (size) => sizes.push(size));
  for (let round = 0; round < 3; round++)
    await Promise.all(jobs.map((of) => store.append(of, round * 2, 1, Buffer.from(`${round}\n`))));
  for (const of of jobs) assert.equal((await readAll(store, of)).toString(), '0\n1\n2\n');
  const open = readdirSync('/proc/self/fd').length;
  assert.ok(open < 60, `${open} files are open`);
  assert.deepEqual(sizes, [2, 4, 6]);
  stop();
  await store.append(jobs[0] as JobId, 6, 1, Buffer.from('x'));
  assert.equal(sizes.length, 3);
});

test('a removed log is gone and may begin anew', async (t) => {
  const dir = scratch(t);
  const store = new LogStore({ dir, now: Date.now });
  t.after(() => store.close());
  await store.append(job, 0, 1, Buffer.from('abc'));
  await store.remove([job]);
  assert.equal(await store.size(job), 0);
  assert.deepEqual(readdirSync(join(dir, 'b1')), []);
  await store.append(job, 0, 1, Buffer.from('d'));
  assert.equal((await readAll(store, job)).toString(), 'd');
});
