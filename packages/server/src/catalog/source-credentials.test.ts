import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineBackend, offline } from '@berth/backend';
import { BerthError } from '@berth/core/errors';
import { Secret } from '@berth/core/secret';
import { z } from 'zod';
import { accountFor } from './source-credentials.ts';

function fluffy(credentials: 'none' | 'optional' | 'required') {
  return defineBackend({
    type: 'fluffy-cloud',
    title: 'FluffyCloud',
    kind: 'vm',
    credentials: {
      api_key: z.strictObject({ api_key: z.string().transform((key) => new Secret(key)) }),
      login: z.strictObject({ user: z.string(), password: z.string() }),
    },
    config: z.strictObject({ region: z.string() }),
    catalog: offline<unknown>({ credentials, rules: [], collect: async function* () {} }),
  });
}

const NOTHING = { entries: [], env: {} };
const entry = {
  name: 'f',
  type: 'fluffy-cloud',
  config: { region: 'x' },
  credentials: { kind: 'login', value: { user: 'u', password: 'p' } },
};

test('the environment comes before config.yml, and its fields tell the kind', async () => {
  const env = { BERTH_CATALOG_FLUFFY_CLOUD_API_KEY: 'k', BERTH_CATALOG_FLUFFY_X: 'of another' };
  const found = (await accountFor(fluffy('required'), { entries: [entry], env })).credentials as {
    api_key: Secret<string>;
  };
  assert.equal(found.api_key.reveal(), 'k');
  const login = { BERTH_CATALOG_FLUFFY_CLOUD_USER: 'a', BERTH_CATALOG_FLUFFY_CLOUD_PASSWORD: 'b' };
  assert.deepEqual(await accountFor(fluffy('required'), { entries: [], env: login }), {
    credentials: { user: 'a', password: 'b' },
    config: null,
  });
});

test('without variables those of a configured backend are used, whatever its config says', async () => {
  const credentials = { user: 'u', password: 'p' };
  const account = (config: unknown) => accountFor(fluffy('optional'), { entries: [{ ...entry, config }], env: {} });
  assert.deepEqual(await account({ nobody: 'knows this' }), { credentials, config: null });
  assert.deepEqual(await account({ region: 'x' }), { credentials, config: { region: 'x' } });
});

test('a source that needs credentials and has none says which variables would do', async () => {
  assert.deepEqual(await accountFor(fluffy('none'), NOTHING), { credentials: null, config: null });
  assert.deepEqual(await accountFor(fluffy('optional'), NOTHING), { credentials: null, config: null });
  await assert.rejects(accountFor(fluffy('required'), NOTHING), (error: BerthError) => {
    assert.equal(error.code, 'invalid-configuration');
    assert.match(error.hint ?? '', /BERTH_CATALOG_FLUFFY_CLOUD_API_KEY, BERTH_CATALOG_FLUFFY_CLOUD_USER/);
    return true;
  });
});

test('fields that fit no kind are refused without showing a value', async () => {
  const env = { BERTH_CATALOG_FLUFFY_CLOUD_APIKEY: 'hunter2' };
  await assert.rejects(accountFor(fluffy('required'), { entries: [], env }), (error: BerthError) => {
    assert.ok(error instanceof BerthError);
    assert.doesNotMatch(JSON.stringify([error.message, error.issues]), /hunter2/);
    return true;
  });
});
