import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Journal } from './journal.ts';
import type { AgentEvent } from './protocol.ts';

const event = (message: string): AgentEvent => ({ kind: 'problem', job: null, code: 'internal', message });
const texts = (journal: Journal, seq = 0): string[] =>
  journal.after(seq).map((entry) => (entry.event.kind === 'problem' ? entry.event.message : entry.event.kind));

describe('the journal', () => {
  let dir: string;
  let path: string;
  let n = 0;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'berth-journal-'));
  });
  const opened: Journal[] = [];
  const openAt = async (at: string): Promise<Journal> => {
    const journal = await Journal.open(at);
    opened.push(journal);
    return journal;
  };
  after(async () => {
    for (const journal of opened) await journal.close().catch(() => undefined);
    await rm(dir, { recursive: true });
  });
  const fresh = async (): Promise<Journal> => {
    n += 1;
    path = join(dir, `journal-${n}`);
    return await openAt(path);
  };

  it('gives every event a higher number and keeps what is not acknowledged over a restart', async () => {
    const journal = await fresh();
    for (const text of ['a', 'b', 'c']) await journal.append(event(text), 5, false);
    await journal.close();
    const again = await openAt(path);
    assert.deepEqual(texts(again), ['a', 'b', 'c']);
    assert.deepEqual(
      again.after(0).map((entry) => [entry.seq, entry.at]),
      [
        [1, 5],
        [2, 5],
        [3, 5],
      ],
    );
    await again.ack(2);
    assert.deepEqual(texts(again), ['c']);
    await again.close();
  });

  it('never gives a number twice, also when its last records were lost', async () => {
    const journal = await fresh();
    await journal.append(event('a'), 0, false);
    const { entry: lost } = await journal.append(event('b'), 0, false);
    await journal.close();
    await truncate(path, (await stat(path)).size - 20);
    const again = await openAt(path);
    const { entry } = await again.append(event('c'), 0, false);
    assert.ok(entry.seq > lost.seq);
    await again.close();
  });

  it('drops a torn last record and keeps those before', async () => {
    const journal = await fresh();
    await journal.append(event('whole'), 0, true);
    await journal.append(event('torn'), 0, true);
    await journal.close();
    await truncate(path, (await stat(path)).size - 5);
    const again = await openAt(path);
    assert.deepEqual(texts(again), ['whole']);
    await again.append(event('next'), 0, true);
    await again.close();
    assert.deepEqual(texts(await openAt(path)), ['whole', 'next']);
  });

  it('survives rubbish at its end', async () => {
    const journal = await fresh();
    await journal.append(event('whole'), 0, false);
    await journal.close();
    await appendFile(path, '\0\0\0 {"seq":99}\nrubbish\n');
    assert.deepEqual(texts(await openAt(path)), ['whole']);
  });

  it('does not grow for ever: what is acknowledged leaves the file', async () => {
    const journal = await fresh();
    for (let i = 0; i < 400; i++) {
      const { entry } = await journal.append(event('x'.repeat(2_000)), 0, false);
      await journal.ack(entry.seq - 1);
    }
    assert.ok((await stat(path)).size < 200_000);
    const last = journal.lastSeq;
    await journal.close();
    assert.ok((await openAt(path)).lastSeq > last);
  });

  it('keeps in memory what the disk refuses and writes it later', async () => {
    const journal = await fresh();
    await journal.append(event('before'), 0, false);
    // A directory where the file should be replaced: every write of a new file fails.
    await journal.close();
    const broken = await journal.append(event('refused'), 0, false);
    assert.equal(broken.written, false);
    assert.deepEqual(texts(journal), ['before', 'refused']);
    await mkdir(`${path}.new`);
    assert.equal((await journal.append(event('refused too'), 0, false)).written, false);
    await rm(`${path}.new`, { recursive: true });
    assert.equal((await journal.append(event('taken'), 0, true)).written, true);
    assert.match(await readFile(path, 'utf8'), /refused too/);
    assert.deepEqual(texts(await openAt(path)), ['before', 'refused', 'refused too', 'taken']);
  });

  it('is readable by nobody else', async () => {
    await fresh();
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });
});
