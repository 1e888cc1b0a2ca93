import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientSchema } from './credentials.ts';
import azure from './index.ts';

test('azure is a price list that anybody may collect', () => {
  assert.equal(azure.type, 'azure');
  assert.equal(azure.compute, undefined);
  assert.equal(azure.catalog.kind === 'offline' && azure.catalog.credentials, 'optional');
});

test('the secret of a client does not print, and unknown keys are refused', () => {
  const given = { tenant_id: 't', client_id: 'c', client_secret: 'hush', subscription_id: 's' };
  assert.doesNotMatch(JSON.stringify(clientSchema.parse(given)), /hush/);
  assert.equal(clientSchema.safeParse({ ...given, password: 'hush' }).success, false);
});
