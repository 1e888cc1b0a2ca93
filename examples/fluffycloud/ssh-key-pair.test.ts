import assert from 'node:assert/strict';
import { test } from 'node:test';
import ssh2 from 'ssh2';
import { newSshKeyPair } from './ssh-key-pair.ts';

test('every key can be read again, and its two halves belong together', () => {
  for (let round = 0; round < 1_000; round += 1) {
    const pair = newSshKeyPair();
    const [secret, known] = [ssh2.utils.parseKey(pair.private), ssh2.utils.parseKey(pair.public)];
    assert.ok(!(secret instanceof Error) && !(known instanceof Error));
    assert.equal(known.verify('text', secret.sign('text')), true);
  }
});
