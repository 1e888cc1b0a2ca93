import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { discoverBackends, loadBackends } from '@berth/backend';

test('this package is found among the backends and loads', async () => {
  const backends = join(import.meta.dirname, '../..');
  const { available } = await loadBackends(await discoverBackends({ roots: [backends] }));
  const local = available.find(({ definition }) => definition.type === 'local');
  assert.equal(local?.packageName, '@berth/backend-local');
  assert.equal(local?.definition.kind, 'vm');
});
