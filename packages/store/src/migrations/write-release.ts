/**
 * Writes `released/v<version>.sql`, the schema of this version with a row in every table:
 * `node packages/store/src/migrations/write-release.ts`. Done once per version that changes the
 * schema, when it is released; from then on the file is never touched, and `migrate.test.ts` proves
 * that its rows reach every later version.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { VERSION } from '@berth/core';
import { openSqliteStore } from '../sqlite.ts';
import { dump } from '../testing/dump.ts';
import { insertSamples } from '../testing/samples.ts';

const directory = mkdtempSync(join(tmpdir(), 'berth-release-'));
try {
  const path = join(directory, 'berth.db');
  const store = openSqliteStore({ path, clock: { now: () => 0 } });
  await insertSamples(store);
  await store.close();
  const db = new DatabaseSync(path, { readOnly: true });
  writeFileSync(new URL(`released/v${VERSION}.sql`, import.meta.url), dump(db));
  db.close();
} finally {
  rmSync(directory, { recursive: true });
}
