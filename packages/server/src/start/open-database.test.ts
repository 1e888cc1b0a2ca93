import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { BerthError } from '@berth/core/errors';
import { Secret } from '@berth/core/secret';
import { StoreUnavailable } from '@berth/store';
import { openSqliteStore } from '@berth/store/sqlite';
import { sample } from '@berth/store/testing/samples';
import { homeAt } from '../config/home.ts';
import { formatError } from './format-error.ts';
import { openDatabase, refusedDatabase } from './open-database.ts';

async function refusal(database: string): Promise<string> {
  const places = { database: new Secret(database), shared: null };
  const options = { clock: { now: Date.now }, onListenerError: () => {} };
  let refused: unknown;
  await openDatabase(homeAt('/nowhere'), places, options).catch((error: unknown) => {
    refused = error;
  });
  assert.ok(refused instanceof BerthError, inspect(refused));
  return formatError(refused);
}

test('regression: a database that cannot be used is told with what to do, without a stack and without its password', async () => {
  for (const [url, message] of [
    ['postgresql://u:hunter2#x@127.0.0.1:1/berth', /is no URL\.\nhint: .*# as %23/],
    ['postgresql://u:hunter2/x@127.0.0.1:1/berth', /is no URL\./],
    ['postgresql://u:hunter2@127.0.0.1:1/b?sslmode=verify-full&sslrootcert=/nowhere/ca', /ENOENT.*\/nowhere\/ca/],
  ] as const) {
    const told = await refusal(url);
    assert.match(told, message);
    assert.match(told, /hint: It is `database` in the config\.yml/);
    assert.doesNotMatch(told, /hunter2|\n\s+at /);
  }
});

test('regression: a database that is away is told without a stack', () => {
  const told = formatError(
    refusedDatabase(new StoreUnavailable('unreachable', 'PostgreSQL cannot be reached: refused')),
  );
  assert.match(told, /^error: PostgreSQL cannot be reached: refused\.\nhint: It is `database` in the config\.yml.*$/);
});

test('regression: another database is refused while the one of the home still holds machines', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'berth-home-'));
  t.after(() => rmSync(root, { recursive: true }));
  const home = homeAt(root);
  const places = { database: new Secret('postgresql://u@127.0.0.1:1/berth'), shared: null };
  const options = { clock: { now: Date.now }, onListenerError: () => {} };
  mkdirSync(home.server, { recursive: true });
  const before = openSqliteStore({ path: home.database });
  const instance = await before.transaction((tables) => tables.instances.insert(sample('instances')));
  await before.close();
  await assert.rejects(openDatabase(home, places, options), { code: 'conflict', message: /still holds a machine/ });
  const again = openSqliteStore({ path: home.database });
  await again.transaction((tables) => tables.instances.update(instance.id, 1, { status: 'terminated' }));
  await again.close();
  await assert.rejects(openDatabase(home, places, options), { code: 'unavailable' }, 'nobody listens there');
});
