/**
 * A job prints 200 MB. Every byte must come to its readers, in order, be they fast or slow; the server
 * must not hold it in memory; and from the agent to the stored log it must go at 50 MB/s or more.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, logs } from '@berth/client';
import { BerthHome, finished, idle } from './berth-home.ts';
import { atLeast, atMost, type Bench, inTurn, spread } from './harness.ts';
import { residentMiB, watchMemory } from './process-usage.ts';

const LINE_BYTES = 100;
const LINES = 2_000_000;
const TOTAL_BYTES = LINES * LINE_BYTES;
const WARM_UP = 1;

const SLOWEST_MB_PER_S = 50;
/** One log is 191 MiB: whoever collects it in memory, for itself or for the reader that stalls, is over this. */
const MOST_GROWTH_MIB = 128;

export const bench: Bench = async ({ runs, progress }) => {
  const home = new BerthHome();
  try {
    progress(`writing ${TOTAL_BYTES / 1e6} MB to print`);
    const text = join(home.dir, 'text');
    const hash = writeText(text);
    home.startServer();
    const client = home.client();
    const configuration = { type: 'task', name: 'bench', idle_duration: '1h', commands: [`cat ${text}`] };
    const pid = home.serverPid();
    const growth: number[] = [];
    let wrong = 0;
    let round = 0;
    let before = residentMiB(pid);
    progress(`${runs} rounds without a reader and with two`);
    const samples = await inTurn(
      {
        alone: async () => {
          const run = await client.call('run.apply', { body: { configuration, code: null, files: [] } });
          const rate = await storedRate(home, client, run.id);
          await forget(client, run.id);
          return rate;
        },
        read: async () => {
          // Against the first round that counts, not each against itself: a little more every time is growth too.
          if (round === WARM_UP) before = residentMiB(pid);
          const memory = watchMemory(pid);
          const started = performance.now();
          const run = await client.call('run.apply', { body: { configuration, code: null, files: [] } });
          const ended = finished(client, run.id);
          const [fast, slow] = await Promise.all([
            readLog(client, run.id, null).then((read) => ({ ...read, took: performance.now() - started })),
            readLog(client, run.id, ended),
            ended,
          ]);
          const grown = (await memory.stop()) - before;
          round += 1;
          if (round > WARM_UP) {
            growth.push(grown);
            for (const read of [fast, slow]) if (read.hash !== hash || !read.inOrder) wrong += 1;
          }
          await forget(client, run.id);
          progress(
            `round ${round}: ${(TOTAL_BYTES / 1e3 / fast.took).toFixed(0)} MB/s at the reader, ${grown.toFixed(0)} MiB`,
          );
          return TOTAL_BYTES / 1e3 / fast.took;
        },
      },
      { runs, warmUp: WARM_UP },
    );
    const stored = spread(samples.alone);
    const memory = spread(growth);
    return [
      atMost(0, {
        metric: 'logs of 200 MB with a byte missing, twice, or out of order',
        value: wrong,
        unit: `of ${2 * runs}`,
      }),
      atMost(MOST_GROWTH_MIB, {
        metric: 'server memory grows, one fast and one stalled reader',
        value: memory.max,
        unit: 'MiB at most',
        samples: memory,
        samplesUnit: 'MiB',
      }),
      atLeast(SLOWEST_MB_PER_S, {
        metric: 'from agent to stored log',
        value: stored.median,
        unit: 'MB/s',
        samples: stored,
        samplesUnit: 'MB/s',
      }),
    ];
  } finally {
    await home.end();
  }
};

/** Numbered lines: one that is lost, twice or in another place changes the hash. Returns the SHA-256. */
function writeText(path: string): string {
  const hash = createHash('sha256');
  const file = openSync(path, 'w');
  const perBlock = 10_000;
  for (let first = 0; first < LINES; first += perBlock) {
    const lines: string[] = [];
    for (let line = first; line < first + perBlock; line += 1)
      lines.push(`${line} `.padEnd(LINE_BYTES - 1, 'abcdefghij'));
    const block = Buffer.from(`${lines.join('\n')}\n`);
    hash.update(block);
    writeSync(file, block);
  }
  closeSync(file);
  return hash.digest('hex');
}

/** With `until`, the reader takes one piece and then nothing before that has happened. */
async function readLog(
  client: Client,
  run: string,
  until: Promise<unknown> | null,
): Promise<{ readonly hash: string; readonly inOrder: boolean }> {
  const hash = createHash('sha256');
  let next = 0;
  let inOrder = true;
  for await (const { offset, bytes } of logs(client, run, { follow: true })) {
    inOrder &&= offset === next;
    next = offset + bytes.length;
    hash.update(bytes);
    if (offset === 0) await until;
  }
  return { hash: hash.digest('hex'), inOrder: inOrder && next === TOTAL_BYTES };
}

/** MB/s from the first bytes in the stored log to the last. */
async function storedRate(home: BerthHome, client: Client, run: string): Promise<number> {
  const ended = finished(client, run);
  let job: string | undefined;
  ended.catch(() => undefined); // awaited below; until then it must not end the process
  while (job === undefined) job = (await client.call('run.get', { params: { run } })).jobs[0]?.id;
  const path = home.logFile(job);
  let first: { readonly at: number; readonly bytes: number } | null = null;
  for (;;) {
    const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    const now = performance.now();
    if (bytes > 0) first ??= { at: now, bytes };
    if (first !== null && bytes >= TOTAL_BYTES) {
      await ended;
      return (bytes - first.bytes) / 1e3 / (now - first.at);
    }
    const settled = await Promise.race([ended.then(() => true), sleep(2, false)]);
    if (settled && (statSync(path, { throwIfNoEntry: false })?.size ?? 0) < TOTAL_BYTES)
      throw new Error(`${path} ends early`);
  }
}

/** Twenty logs of 200 MB would fill a disk that holds one with ease. */
async function forget(client: Client, run: string): Promise<void> {
  await idle(client);
  await client.call('run.delete', { params: { run } });
}
