import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const DIRECTORIES = 100;
const FILES_OF_EACH = 300;
/** A third of what 30,000 files took when each was kept with all that the system says of it, twice. */
const HEAP_MIB = 32;

const PROGRAM = `
  import { packCode } from ${JSON.stringify(import.meta.resolve('./pack-code.ts'))};
  import { openSpool } from ${JSON.stringify(import.meta.resolve('./spool.ts'))};
  const [dir, cache] = process.argv.slice(1);
  const { ref } = await packCode(dir, { spool: await openSpool(cache) });
  console.log(ref.kind);
`;

test('bug: packing 100,000 files took 700 MB, because all of them were prepared before the first was packed', async () => {
  const top = await mkdtemp(join(tmpdir(), 'berth-many-'));
  try {
    for (let d = 0; d < DIRECTORIES; d++) {
      const dir = join(top, 'work', `directory-${d}`, 'of-many-files');
      mkdirSync(dir, { recursive: true });
      for (let f = 0; f < FILES_OF_EACH; f++) writeFileSync(join(dir, `file-number-${f}.txt`), '');
    }
    const words = [`--max-old-space-size=${HEAP_MIB}`, '--input-type=module', '-e', PROGRAM];
    const packed = spawnSync(process.execPath, [...words, join(top, 'work'), join(top, 'cache')], { encoding: 'utf8' });
    assert.equal(packed.stdout, 'tar\n', packed.stderr.slice(0, 2000));
  } finally {
    await rm(top, { recursive: true, force: true });
  }
});
