import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installedBackends } from './installed.ts';

test('a start loads what a server without a configuration has; the clouds load when they are asked for', async () => {
  const installed = await installedBackends('/nowhere');
  assert.deepEqual(installed.types, ['local']);
  assert.equal(installed.definition('aws'), null);
  const entry = { name: 'mine', type: 'awz', config: {}, credentials: { kind: 'default', value: null } };
  const unknown = installed.configure(entry, {} as never, new AbortController().signal);
  await assert.rejects(unknown, /unknown type "awz"/);
  assert.ok(installed.types.includes('aws'), 'what is not among those that are loaded is looked for among all');
  assert.equal(installed.definition('aws')?.catalog.kind, 'offline');
  assert.equal((await installed.all()).definition('local')?.catalog.kind, 'owned');
});
