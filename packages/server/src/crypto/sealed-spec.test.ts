import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { checkConfiguration } from '@berth/core/configuration';
import type { RunSpec } from '@berth/core/job-spec';
import { toRunSpec } from '@berth/core/run-spec';
import { Secret } from '@berth/core/secret';
import { maskedChange, maskedConfiguration, sealSpec } from './sealed-spec.ts';
import { createSealer } from './sealer.ts';

const sealer = createSealer([{ name: 'k', bytes: new Secret(new Uint8Array(randomBytes(32))) }], randomBytes);

/** `${{ secrets.TOKEN }}` */
const reference = `$${'{{ secrets.TOKEN }}'}`;

function specWith(auth: { username: string; password: string } | undefined): RunSpec {
  const source = { type: 'task', image: 'registry.test/app', commands: ['true'], ...(auth && { registry_auth: auth }) };
  const checked = checkConfiguration(source);
  assert.ok(checked.type === 'task');
  return toRunSpec(checked, { name: 'a', code: null, files: [] });
}

test('a literal password lies nowhere in the spec that is stored, and can be opened', () => {
  const sealed = sealSpec(specWith({ username: 'ada', password: 'hunter2hunter2' }), sealer, null);
  assert.doesNotMatch(JSON.stringify(sealed), /hunter2/);
  assert.equal(sealer.open(sealed.work.registryAuth?.password ?? '').reveal(), 'hunter2hunter2');
  assert.deepEqual(maskedConfiguration(sealed.configuration).registry_auth, { username: 'ada', password: '[secret]' });
});

test('the same password again is no change, another one is', () => {
  const first = sealSpec(specWith({ username: 'ada', password: 'one' }), sealer, null);
  assert.deepEqual(sealSpec(specWith({ username: 'ada', password: 'one' }), sealer, first), first);
  assert.notDeepEqual(sealSpec(specWith({ username: 'ada', password: 'two' }), sealer, first), first);
  const stranger = createSealer([{ name: 'k2', bytes: new Secret(new Uint8Array(randomBytes(32))) }], randomBytes);
  assert.equal(
    stranger
      .open(sealSpec(specWith({ username: 'ada', password: 'one' }), stranger, first).work.registryAuth?.password ?? '')
      .reveal(),
    'one',
  );
});

test('a reference to a secret stays readable, for the engine and for people', () => {
  const spec = specWith({ username: 'ada', password: reference });
  const sealed = sealSpec(spec, sealer, null);
  assert.deepEqual(sealed, spec);
  assert.deepEqual(maskedConfiguration(sealed.configuration).registry_auth, {
    username: 'ada',
    password: reference,
  });
  const mixed = sealSpec(specWith({ username: 'ada', password: `literal${reference}` }), sealer, null);
  assert.doesNotMatch(JSON.stringify(mixed), /literal/);
});

test('a password that looks sealed is sealed like any other', () => {
  const foreign = sealer.seal(new Secret('somebody else’s'));
  const sealed = sealSpec(specWith({ username: 'eve', password: foreign }), sealer, null);
  assert.equal(sealer.open(sealed.work.registryAuth?.password ?? '').reveal(), foreign);
});

test('changes of a plan show that a password changed, and nothing of it', () => {
  assert.equal(maskedChange('registry_auth.password', 'enc:aesgcm:k:AAAA'), '[secret]');
  assert.equal(maskedChange('registry_auth.password', undefined), undefined);
  assert.deepEqual(maskedChange('registry_auth', { username: 'a', password: 'b' }), {
    username: 'a',
    password: '[secret]',
  });
  assert.equal(maskedChange('image', 'a'), 'a');
  assert.deepEqual(specWith(undefined).work.registryAuth, null);
  assert.deepEqual(maskedConfiguration({ image: 'a' }), { image: 'a' });
});
