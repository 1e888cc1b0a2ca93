import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accessKeySchema } from './credentials.ts';
import aws from './index.ts';

test('aws is a price list that anybody may collect', () => {
  assert.equal(aws.type, 'aws');
  assert.equal(aws.compute, undefined);
  assert.equal(aws.catalog.kind === 'offline' && aws.catalog.credentials, 'optional');
});

test('the secrets of an access key do not print, and unknown keys are refused', () => {
  const given = { access_key: 'AKIDEXAMPLE', secret_key: 'hush', session_token: 'hush' };
  assert.doesNotMatch(JSON.stringify(accessKeySchema.parse(given)), /hush/);
  assert.equal(accessKeySchema.safeParse({ ...given, region: 'us-east-1' }).success, false);
});
