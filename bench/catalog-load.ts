/** The benchmark's catalog from its files. */

import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Catalog, decodeSnapshot, decodeSnapshotInSlices, type Snapshot } from '@berth/catalog';
import { SYNTHETIC_CLOUDS } from '@berth/catalog/testing/synthetic';
import { COLLECTED_AT } from './catalog-files.ts';

const paths = (dir: string) => SYNTHETIC_CLOUDS.map(({ backend }) => join(dir, `${backend}.snapshot`));

/** In one go. */
export function readSnapshotsAtOnce(dir: string): readonly Snapshot[] {
  return paths(dir).map((path) => decodeSnapshot(readFileSync(path)));
}

/** In slices, one file after the other. */
export async function readSnapshots(dir: string): Promise<readonly Snapshot[]> {
  const snapshots: Snapshot[] = [];
  for (const path of paths(dir)) snapshots.push(await decodeSnapshotInSlices(await readFile(path)));
  return snapshots;
}

export function catalogOf(snapshots: readonly Snapshot[]): Catalog {
  const catalog = new Catalog({ now: () => COLLECTED_AT });
  replaceAll(catalog, snapshots);
  return catalog;
}

export function replaceAll(catalog: Catalog, snapshots: readonly Snapshot[]): void {
  for (const snapshot of snapshots) {
    catalog.replace(snapshot.meta.source, snapshot, { kind: 'offline', version: null, staleAfterMs: null });
  }
}
