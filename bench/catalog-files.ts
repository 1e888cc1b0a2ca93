/**
 * Writes a synthetic catalog for the benchmark: `node catalog-files.ts DIR ROWS [csv]`. A process of its
 * own, so that what it makes does not burden the one that is measured. A snapshot per cloud; with `csv`
 * also gpuhunt's files.
 */

import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SnapshotBuilder } from '@berth/catalog';
import { GPUHUNT_HEADER, gpuhuntRow } from '@berth/catalog/formats/gpuhunt-writer';
import { SYNTHETIC_CLOUDS, syntheticCloud } from '@berth/catalog/testing/synthetic';

/** Any time: nothing that is measured depends on it. */
export const COLLECTED_AT = Date.UTC(2026, 0, 1);
const SEED = 1;
const BLOCK = 1 << 20;

/** gpuhunt's names of clouds that have another one here. */
export const providerOf = (backend: string): string => (backend === 'lambda' ? 'lambdalabs' : backend);

function write(dir: string, rows: number, csv: boolean): void {
  mkdirSync(dir, { recursive: true });
  for (const { backend } of SYNTHETIC_CLOUDS) {
    const builder = new SnapshotBuilder({ source: backend, collectedAt: COLLECTED_AT });
    const file = csv ? openSync(join(dir, `${providerOf(backend)}.csv`), 'w') : null;
    let block = GPUHUNT_HEADER;
    for (const offer of syntheticCloud(backend, { rows, seed: SEED, collectedAt: COLLECTED_AT })) {
      builder.add(offer);
      if (file === null) continue;
      block += gpuhuntRow(offer);
      if (block.length > BLOCK) {
        writeSync(file, block);
        block = '';
      }
    }
    if (file !== null) {
      writeSync(file, block);
      closeSync(file);
    }
    writeFileSync(join(dir, `${backend}.snapshot`), builder.finish());
  }
}

if (import.meta.main) {
  const [dir, rows, csv] = process.argv.slice(2);
  if (dir === undefined || rows === undefined) throw new Error('usage: catalog-files.ts DIR ROWS [csv]');
  write(dir, Number(rows), csv === 'csv');
}
