import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Secret } from '@berth/core/secret';
import { loadKeyFile } from './key-file.ts';
import { createSealer, type SealingKey } from './sealer.ts';

const key = (name: string): SealingKey => ({ name, bytes: new Secret(new Uint8Array(randomBytes(32))) });

test('what was sealed is opened again, and never sealed alike twice', () => {
  const sealer = createSealer([key('key1')], randomBytes);
  for (const text of ['', 'x', 'pässword\n', '🗝'.repeat(10_000)]) {
    const sealed = sealer.seal(new Secret(text));
    assert.match(sealed, /^enc:aesgcm:key1:[A-Za-z0-9+/]+=*$/);
    assert.equal(sealer.open(sealed).reveal(), text);
    assert.notEqual(sealer.seal(new Secret(text)), sealed);
  }
});

test('a sealed value that was changed anywhere is refused, and the error does not tell it', () => {
  const one = key('a');
  const sealer = createSealer([one, { name: 'b', bytes: one.bytes }], randomBytes);
  const sealed = sealer.seal(new Secret('the plain text'));
  const bytes = Buffer.from(sealed.split(':')[3] ?? '', 'base64');
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => sealer.open(`enc:aesgcm:a:${changed.toString('base64')}`), {
      code: 'unavailable',
      message: /changed/,
    });
  }
  // The name of the key is authenticated too, even where both names mean the same bytes.
  assert.throws(() => sealer.open(sealed.replace(':a:', ':b:')), { code: 'unavailable' });
  for (const wrong of ['', 'plain', 'enc:aesgcm:', 'enc:aesgcm:a', 'enc:aesgcm:a:', 'enc:aesgcm:a:AAAA'])
    assert.throws(() => sealer.open(wrong), { code: 'unavailable' });
});

test('a new first key seals from now on, and the old one still opens', () => {
  const old = key('2024');
  const young = key('2025');
  const sealed = createSealer([old], randomBytes).seal(new Secret('kept'));
  const rotated = createSealer([young, old], randomBytes);
  assert.equal(rotated.open(sealed).reveal(), 'kept');
  assert.match(rotated.seal(new Secret('new')), /^enc:aesgcm:2025:/);
  assert.throws(() => createSealer([young], randomBytes).open(sealed), { message: /`2024`, which is not here/ });
});

test('the key file is made once, closed to others, and read again', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-key-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, 'encryption.key');
  const warnings: string[] = [];
  const load = (mayMake = true) => loadKeyFile(path, { random: randomBytes, mayMake, warn: (w) => warnings.push(w) });

  assert.throws(() => load(false), { code: 'unavailable', message: /is missing/ });
  assert.equal(existsSync(path), false);

  const sealed = createSealer(load(), randomBytes).seal(new Secret('s'));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(createSealer(load(false), randomBytes).open(sealed).reveal(), 's');
  assert.deepEqual(readdirSync(dir), ['encryption.key']);
  assert.deepEqual(warnings, []);

  chmodSync(path, 0o644);
  load();
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.match(warnings.join(), /had mode 0644/);

  writeFileSync(path, `newer ${randomBytes(32).toString('base64')}\n${readFileSync(path, 'utf8')}`);
  const rotated = createSealer(load(), randomBytes);
  assert.match(rotated.seal(new Secret('')), /:newer:/);
  assert.equal(rotated.open(sealed).reveal(), 's');

  for (const bad of ['', '# nothing', 'key1', 'key1 AAAA', `key1 ${randomBytes(32).toString('base64')} more`]) {
    writeFileSync(path, bad);
    assert.throws(() => load(), { code: 'unavailable' }, bad);
  }
});
