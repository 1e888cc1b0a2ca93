import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '@berth/core/secret';
import { z } from 'zod';
import { type BackendEntry, EntryError, parseBackendEntry } from './backend-entry.ts';
import { formOf } from './backend-form.ts';
import { defineBackend, offline } from './contract.ts';
import { secret } from './secret-field.ts';

const HUNTER = 'hunter2-hunter2';

const fluffy = defineBackend({
  type: 'fluffy',
  title: 'FluffyCloud',
  kind: 'vm',
  credentials: {
    api_key: z.strictObject({ api_key: secret() }),
    client: z.strictObject({
      client_id: z.string().min(1).describe('Of the app.'),
      client_secret: secret(),
      session_token: secret().optional(),
    }),
  },
  config: z.strictObject({
    regions: z.array(z.string()).optional().describe('Regions to use.'),
    size: z.int().default(3),
    project: z.string().optional(),
  }),
  catalog: offline<unknown>({ credentials: 'none', rules: [], collect: async function* () {} }),
});

const entry = (more: Partial<BackendEntry> = {}): BackendEntry => ({
  name: 'mine',
  type: 'fluffy',
  config: {},
  credentials: { kind: 'api_key', value: { api_key: HUNTER } },
  ...more,
});

/** `path: message (hint)` of each problem. */
async function toldOf(written: BackendEntry): Promise<string[]> {
  try {
    await parseBackendEntry(fluffy, written);
  } catch (error) {
    assert.ok(error instanceof EntryError);
    assert.doesNotMatch(JSON.stringify([error.message, error.hint, error.problems, error.issues]), /hunter2/);
    return error.problems.map(({ path, message, hint }) => `${path.join('/')}: ${message} (${hint ?? ''})`);
  }
  return [];
}

const client = (value: unknown) => ({ credentials: { kind: 'client', value } });

test('what fits is parsed, with defaults filled in and secrets closed', async () => {
  const parsed = await parseBackendEntry(fluffy, entry({ config: { regions: ['eu'] } }));
  assert.deepEqual(parsed.config, { regions: ['eu'], size: 3 });
  assert.ok((parsed.credentials as { api_key: unknown }).api_key instanceof Secret);
  assert.doesNotMatch(JSON.stringify(parsed), /hunter2/);
});

test('unknown keys, wrong types and missing fields are told with what to write', async () => {
  assert.deepEqual(await toldOf(entry({ config: { region: ['eu'], size: 'big', regions: 'eu' } })), [
    'config/regions: `regions` must be a list, not `eu` (write it as a list: `[eu]`)',
    'config/size: `size` must be a number, not `big` ()',
    'config/region: unknown key `region` (did you mean `regions`?)',
  ]);
  assert.deepEqual(await toldOf(entry(client({ client_id: 7, client_sekret: HUNTER }))), [
    'credentials/client_id: `client_id` of the credentials must be text, not a number (put it in quotes)',
    'credentials/client_secret: `client_secret` of the credentials is missing ()',
    'credentials/client_sekret: unknown key `client_sekret` in credentials (did you mean `client_secret`?)',
  ]);
});

test('a secret in the wrong place is told where it belongs', async () => {
  assert.deepEqual(await toldOf(entry({ config: { api_key: HUNTER } })), [
    'config/api_key: `api_key` is a credential, and stands where everybody may read it (write `creds: { type: api_key, api_key: … }`)',
  ]);
  assert.match(
    (await toldOf(entry({ config: { project: HUNTER } }))).join(),
    /config\/project: `project` holds a secret/,
  );
  const [stray] = await toldOf(entry({ credentials: { kind: 'api_key', value: { api_key: HUNTER, regions: [] } } }));
  assert.equal(stray, 'credentials/regions: `regions` is no credential (write it beside `creds`, not into it)');
  assert.match(
    (await toldOf(entry({ config: { project: '$' + '{env:PROJECT}' } }))).join(),
    /only credentials are read/,
  );
});

test('credentials of another kind, of an unknown kind, of none, and no credentials are told apart', async () => {
  const of = (kind: string, value: unknown) => toldOf(entry({ credentials: { kind, value } }));
  assert.match((await of('api_key', { client_id: 'x', api_key: HUNTER })).join(), /`client_id` belongs to .*`client`/);
  assert.match((await of('apikey', { api_key: HUNTER })).join(), /did you mean `api_key`\?/);
  assert.match((await of('default', { api_key: HUNTER })).join(), /of which kind.*add `type: api_key`/);
  assert.match((await of('default', null)).join(), /^credentials: credentials are missing .*creds: \{ type: api_key/);
  assert.match((await of('api_key', HUNTER)).join(), /credentials must be a map, not text/);
});

test('the form says of every field what it is, and which are secret, in every wrapper', () => {
  const form = formOf(fluffy);
  assert.equal(form.createsMachines, false);
  assert.deepEqual(form.config, {
    type: 'object',
    properties: {
      regions: { type: 'array', items: { type: 'string' }, description: 'Regions to use.' },
      size: { type: 'integer', default: 3 },
      project: { type: 'string' },
    },
    additionalProperties: false,
  });
  const fields = form.credentials.client?.properties as Record<string, { writeOnly?: boolean }>;
  assert.deepEqual(
    Object.entries(fields).map(([name, { writeOnly }]) => [name, writeOnly ?? false]),
    [
      ['client_id', false],
      ['client_secret', true],
      ['session_token', true],
    ],
  );
  assert.deepEqual(form.credentials.client?.required, ['client_id', 'client_secret']);
});
