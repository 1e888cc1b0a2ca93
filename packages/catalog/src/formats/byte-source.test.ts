import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type ByteSource, inflate, readFileBytes } from './byte-source.ts';
import { CsvError } from './csv-error.ts';
import { readPriceTable } from './price-table.ts';

const folder = await mkdtemp(join(tmpdir(), 'berth-bytes-'));
after(() => rm(folder, { recursive: true }));

const TABLE = 'plan,region,price,cpus,ram\nx,r,1,4,8\n';

async function accepted(source: ByteSource): Promise<number> {
  return (await readPriceTable(source, { backend: 'b', collectedAt: 0, onOffer: () => undefined })).accepted;
}

test('a table comes from a file, plain or gzipped, from memory and from a stream', async () => {
  await writeFile(join(folder, 'a.csv'), TABLE);
  await writeFile(join(folder, 'a.csv.gz'), gzipSync(TABLE));
  assert.equal(await accepted(readFileBytes(join(folder, 'a.csv'))), 1);
  assert.equal(await accepted(readFileBytes(join(folder, 'a.csv.gz'))), 1);
  assert.equal(await accepted(Buffer.from(TABLE)), 1);
  assert.equal(await accepted(new Blob([TABLE]).stream()), 1);
});

test('a bomb of a gigabyte in a megabyte is refused at the bound', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 'a'));
  let seen = 0;
  await assert.rejects(
    async () => {
      for await (const chunk of inflate(bomb, 1024 * 1024)) seen += chunk.length;
    },
    { code: 'too-large' },
  );
  assert.ok(seen <= 1024 * 1024);
});

test('what is no gzip, or not all of it, is refused', async () => {
  const drain = async (bytes: Uint8Array) => {
    for await (const _ of inflate(bytes));
  };
  await assert.rejects(drain(Buffer.from('not gzip')), CsvError);
  await assert.rejects(drain(gzipSync(TABLE).subarray(0, 30)), CsvError);
});

test('a source that fails half-way is told as what it is', async () => {
  async function* broken() {
    yield gzipSync(TABLE).subarray(0, 20);
    throw new Error('connection lost');
  }
  await assert.rejects(accepted(inflate(broken())), /connection lost/);
});

test('reading stops when it is aborted', async () => {
  const controller = new AbortController();
  async function* endless() {
    yield Buffer.from(TABLE);
    controller.abort(new Error('enough'));
    for (;;) yield Buffer.from('x,r,1,4,8\n');
  }
  const options = { backend: 'b', collectedAt: 0, onOffer: () => undefined, signal: controller.signal };
  await assert.rejects(readPriceTable(endless(), options), /enough/);
});
