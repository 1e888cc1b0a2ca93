import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { JobLog, QUEUE_BYTES } from './job-log.ts';
import { LogSpool, SPOOL_OPTIONS, type SpoolOptions, spoolLimit } from './log-spool.ts';

const SMALL: SpoolOptions = { ...SPOOL_OPTIONS, segmentBytes: 1_000 };

let root: string;
let n = 0;
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'berth-log-'));
});
after(async () => await rm(root, { recursive: true, force: true }));

function newDir(): string {
  n += 1;
  return join(root, String(n));
}

interface Opened {
  readonly log: JobLog;
  readonly problems: string[];
}

async function openLog(dir: string, options: SpoolOptions = SMALL): Promise<Opened> {
  const problems: string[] = [];
  const spool = await LogSpool.open(dir, options);
  const log = new JobLog(spool, {
    onData: () => undefined,
    onProblem: (code, message) => void problems.push(`${code}: ${message}`),
  });
  return { log, problems };
}

/** Everything from `offset` on, with the times that came with it. */
async function readAll(log: JobLog, offset = 0): Promise<{ bytes: Buffer; from: number; times: number[] }> {
  const buffer = Buffer.alloc(700);
  const chunks: Buffer[] = [];
  const times: number[] = [];
  let from = -1;
  let at = offset;
  for (;;) {
    const chunk = await log.read(at, buffer);
    if (chunk === null) return { bytes: Buffer.concat(chunks), from, times };
    if (from === -1) from = chunk.offset;
    else assert.equal(chunk.offset, at, 'no gap');
    chunks.push(Buffer.from(buffer.subarray(0, chunk.length)));
    times.push(chunk.at);
    at = chunk.offset + chunk.length;
  }
}

/** A disk that refuses while `full` is set. */
function fillableDisk(): { full: boolean; readonly options: SpoolOptions } {
  const disk = {
    full: false,
    options: {
      ...SPOOL_OPTIONS,
      segmentBytes: 1_000_000,
      write: async (...args: Parameters<SpoolOptions['write']>) => {
        if (disk.full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        return await SPOOL_OPTIONS.write(...args);
      },
    },
  };
  return disk;
}

describe("a job's log", () => {
  it('gives back exactly the bytes that it was given, over segments, and again after a restart', async () => {
    const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 900 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(pieces, async (written) => {
        const dir = newDir();
        const { log } = await openLog(dir);
        for (const bytes of written) log.push(Buffer.from(bytes), 'stdout', 1);
        await log.flushed(5_000);
        const expected = Buffer.concat(written);
        assert.deepEqual((await readAll(log)).bytes, expected);
        await log.close();
        const again = await openLog(dir);
        assert.equal(again.log.end, expected.length);
        assert.deepEqual((await readAll(again.log)).bytes, expected);
        await again.log.close();
      }),
      { numRuns: 40 },
    );
  });

  it('counts the bytes of each stream over a restart', async () => {
    const pieces = fc.array(fc.tuple(fc.constantFrom('stdout', 'stderr'), fc.integer({ min: 1, max: 600 })), {
      maxLength: 20,
    });
    await fc.assert(
      fc.asyncProperty(pieces, async (written) => {
        const dir = newDir();
        const { log } = await openLog(dir);
        for (const [stream, length] of written)
          log.push(Buffer.alloc(length), stream === 'stdout' ? 'stdout' : 'stderr', 1);
        await log.flushed(5_000);
        await log.close();
        const { log: again } = await openLog(dir);
        const sum = (name: string): number =>
          written.reduce((total, [stream, length]) => total + (stream === name ? length : 0), 0);
        assert.equal(again.stdoutBytes, sum('stdout'));
        assert.equal(again.stderrBytes, sum('stderr'));
        await again.close();
      }),
      { numRuns: 40 },
    );
  });

  it('remembers when bytes came, to 10 ms, and never lets time run backwards', async () => {
    const { log } = await openLog(newDir());
    for (const at of [1_000, 1_005, 1_010, 900, 2_000]) log.push(Buffer.from('x'), 'stdout', at);
    await log.flushed(5_000);
    const { times } = await readAll(log);
    assert.deepEqual(times, [1_000, 1_010, 2_000]);
    await log.close();
  });

  it('leaves the disk again once the server has stored it', async () => {
    const dir = newDir();
    const { log } = await openLog(dir);
    let largest = 0;
    for (let i = 0; i < 100; i++) {
      log.push(Buffer.alloc(500, i), 'stdout', 1);
      await log.flushed(5_000);
      await log.ack(log.end);
      const sizes = await Promise.all((await readdir(dir)).map(async (name) => (await stat(join(dir, name))).size));
      largest = Math.max(
        largest,
        sizes.reduce((sum, size) => sum + size, 0),
      );
    }
    assert.ok(largest < 4_000, `${largest} bytes were on disk`);
    assert.equal(log.end, 50_000);
    await log.close();
    const { log: again } = await openLog(dir);
    assert.equal(again.end, 50_000);
    await again.close();
  });

  it('begins at its first stored byte when it is asked for what is gone', async () => {
    const { log } = await openLog(newDir());
    for (let i = 0; i < 10; i++) {
      log.push(Buffer.alloc(600, i), 'stdout', 1);
      await log.flushed(5_000);
    }
    await log.ack(5_000);
    const { bytes, from } = await readAll(log, 0);
    assert.ok(from > 0 && from <= 5_000, `from ${from}`);
    assert.equal(from + bytes.length, 6_000);
    await log.close();
  });

  it('survives rubbish after its last byte in the index', async () => {
    const dir = newDir();
    const { log } = await openLog(dir);
    log.push(Buffer.from('kept'), 'stdout', 7);
    await log.flushed(5_000);
    await log.close();
    const index = join(dir, '0000000000000000.idx');
    await writeFile(index, Buffer.alloc(13), { flag: 'a' });
    const { log: again } = await openLog(dir);
    assert.equal((await readAll(again)).bytes.toString(), 'kept');
    again.push(Buffer.from(' and more'), 'stdout', 8);
    await again.flushed(5_000);
    assert.equal((await readAll(again)).bytes.toString(), 'kept and more');
    await again.close();
  });
});

describe('a full disk', () => {
  it('is told once, keeps the log in memory for the server, and is told when it is over', async () => {
    const disk = fillableDisk();
    const { log, problems } = await openLog(newDir(), disk.options);
    log.push(Buffer.from('before '), 'stdout', 1);
    await log.flushed(5_000);
    disk.full = true;
    log.push(Buffer.from('during '), 'stdout', 2);
    await sleep(50);
    log.push(Buffer.from('and still '), 'stderr', 3);
    assert.equal((await readAll(log)).bytes.toString(), 'before during and still ');
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /^disk-full: .*the disk that holds .* is full/);
    disk.full = false;
    log.push(Buffer.from('after'), 'stdout', 4);
    await sleep(1_300);
    assert.equal((await readAll(log)).bytes.toString(), 'before during and still after');
    assert.equal(problems.length, 2);
    assert.match(problems[1] ?? '', /again; nothing was lost/);
    await log.close();
  });

  it('makes the job wait when memory is full too, and the server alone can free it', async () => {
    const disk = fillableDisk();
    const dir = newDir();
    const { log } = await openLog(dir, disk.options);
    disk.full = true;
    let pushed = 0;
    while (log.push(Buffer.alloc(64 * 1024, pushed % 251), pushed % 2 === 0 ? 'stdout' : 'stderr', 1)) pushed += 1;
    pushed += 1;
    assert.equal(log.end, QUEUE_BYTES);
    await sleep(50);
    let drained = false;
    void log.drained().then(() => {
      drained = true;
    });
    await sleep(50);
    assert.equal(drained, false);
    // The server stores three quarters of it, straight from memory.
    await log.ack((log.end / 4) * 3);
    await sleep(20);
    assert.equal(drained, true);
    disk.full = false;
    log.push(Buffer.from('tail'), 'stdout', 2);
    await log.flushed(5_000);
    await sleep(1_200);
    const { bytes, from } = await readAll(log, (QUEUE_BYTES / 4) * 3);
    assert.equal(from + bytes.length, QUEUE_BYTES + 4);
    assert.equal(bytes.subarray(-4).toString(), 'tail');
    // What never touched the disk is counted all the same.
    const counts = [log.stdoutBytes, log.stderrBytes];
    await log.close();
    const { log: again } = await openLog(dir, disk.options);
    assert.deepEqual([again.stdoutBytes, again.stderrBytes], counts);
    await again.close();
  });

  it('that takes a part of a write is continued where it stopped', async () => {
    let calls = 0;
    const { log, problems } = await openLog(newDir(), {
      ...SPOOL_OPTIONS,
      segmentBytes: 1_000_000,
      write: async (file, buffers, position) => {
        calls += 1;
        const all = Buffer.concat(buffers);
        const part = calls % 2 === 0 && all.length > 32 ? all.subarray(0, 100) : all;
        return await SPOOL_OPTIONS.write(file, [part], position);
      },
    });
    const bytes = Buffer.from(Array.from({ length: 5_000 }, (_, i) => i % 256));
    log.push(bytes, 'stdout', 1);
    await log.flushed(5_000);
    assert.deepEqual((await readAll(log)).bytes, bytes);
    assert.deepEqual(problems, []);
    await log.close();
  });

  it('loses nothing on a real file system of 1 MiB that fills up and is emptied', async (t) => {
    const mount = newDir();
    execFileSync('mkdir', [mount]);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'berth-test', mount], { stdio: 'pipe' });
    } catch {
      t.skip('needs the right to mount a tmpfs');
      return;
    }
    try {
      const { log, problems } = await openLog(join(mount, 'log'), SPOOL_OPTIONS);
      const written: Buffer[] = [];
      for (let i = 0; i < 40; i++) {
        const bytes = Buffer.alloc(64 * 1024, i);
        written.push(bytes);
        log.push(Buffer.from(bytes), 'stdout', i);
        await sleep(5);
      }
      assert.deepEqual(
        problems.map((problem) => problem.split(':')[0]),
        ['disk-full'],
      );
      assert.ok(
        (await readAll(log)).bytes.equals(Buffer.concat(written)),
        'all of it can be read while the disk is full',
      );
      execFileSync('mount', ['-o', 'remount,size=8m', mount]);
      await sleep(1_500);
      await log.flushed(5_000);
      assert.ok((await readAll(log)).bytes.equals(Buffer.concat(written)), 'all of it is there afterwards');
      assert.equal(problems.length, 2);
      await log.close();
    } finally {
      execFileSync('umount', ['-l', mount]);
    }
  });
});

describe('a log that nobody takes', () => {
  const LIMIT = 10_000;
  const BOUNDED: SpoolOptions = { ...SMALL, limitBytes: () => LIMIT, patienceMs: 0 };
  const onDisk = async (dir: string): Promise<number> => {
    const sizes = await Promise.all(
      (await readdir(dir))
        .filter((name) => name.endsWith('.log'))
        .map(async (name) => (await stat(join(dir, name))).size),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  };

  it('is bounded on disk, the job goes on, and a notice in it says how much is missing', async () => {
    const dir = newDir();
    const { log, problems } = await openLog(dir, BOUNDED);
    for (let i = 0; i < 500; i++) {
      assert.equal(log.push(Buffer.alloc(100, 65 + (i % 26)), i % 2 === 0 ? 'stdout' : 'stderr', 1), true);
      if (i % 50 === 0) await log.flushed(5_000);
    }
    await log.flushed(5_000);
    assert.equal(await onDisk(dir), LIMIT);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /^spool-failed: .*lost until the server takes/);
    log.closeGap();
    await log.flushed(5_000);
    const { bytes } = await readAll(log);
    assert.equal(bytes.length, log.end, 'offsets have no gap');
    const text = bytes.toString();
    assert.match(text.slice(LIMIT), /^\n\[berth: 40000 bytes of the log are missing here: .*\]\n$/);
    assert.deepEqual([log.stdoutBytes, log.stderrBytes], [25_000, 25_000]);
    await log.close();
    const { log: again } = await openLog(dir, BOUNDED);
    assert.equal(again.end, bytes.length);
    assert.deepEqual(
      [again.stdoutBytes, again.stderrBytes],
      [25_000, 25_000],
      'a container log is taken up where it was left',
    );
    await again.close();
  });

  it('goes on after the notice once the server takes it again', async () => {
    const { log } = await openLog(newDir(), BOUNDED);
    for (let i = 0; i < 150; i++) log.push(Buffer.alloc(100, 'a'), 'stdout', 1);
    await log.flushed(5_000);
    await log.ack(LIMIT);
    log.push(Buffer.from('after'), 'stdout', 2);
    log.closeGap();
    await log.flushed(5_000);
    assert.match((await readAll(log, LIMIT)).bytes.toString(), /^\n\[berth: 5000 bytes of .*\]\nafter$/);
    await log.close();
  });

  it('that is taken slowly holds the job up instead, and loses nothing', async () => {
    const { log, problems } = await openLog(newDir(), { ...BOUNDED, patienceMs: 400 });
    log.push(Buffer.alloc(100), 'stdout', 1);
    await log.flushed(5_000);
    await log.ack(100);
    let pushed = 100;
    while (log.push(Buffer.alloc(100), 'stdout', 1)) pushed += 100;
    pushed += 100;
    assert.equal(pushed, LIMIT + 100);
    let drained = false;
    const draining = log.drained().then(() => {
      drained = true;
    });
    await sleep(100);
    assert.equal(drained, false);
    await log.flushed(5_000);
    await log.ack(5_000);
    await draining;
    assert.equal(log.push(Buffer.alloc(100), 'stdout', 1), true);
    assert.deepEqual([log.end, problems], [pushed + 100, []]);
    while (log.push(Buffer.alloc(100), 'stdout', 1));
    await log.drained(); // the server has stopped taking anything: it is not waited for
    log.push(Buffer.alloc(100), 'stdout', 1);
    assert.equal(problems.length, 1);
    await log.close();
  });

  it('may not take more than its part of what is free', async () => {
    const dir = newDir();
    await LogSpool.open(dir);
    const limit = spoolLimit(Number.POSITIVE_INFINITY)(dir, 0);
    const { bavail, bsize } = await statfs(dir);
    assert.ok(limit <= Math.max(0.11 * bavail * bsize, 64 * 1024 ** 2));
    assert.equal(spoolLimit(1_000)(dir, 0), 1_000);
  });
});
