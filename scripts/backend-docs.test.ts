import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PATH, page, SECTION, sections } from './backend-docs.ts';

const root = join(import.meta.dirname, '..');

test('the reference of clouds says what their definitions say', async (t) => {
  const written = readFileSync(join(root, PATH), 'utf8');
  const known = await sections(root);
  const documented = written.split(/^(?=## )/m).flatMap((part) => SECTION.exec(part)?.[1] ?? []);
  // One folder adds a cloud: that it is not on this page yet is no reason to fail.
  for (const type of known.keys()) if (!documented.includes(type)) t.diagnostic(`${type} is not in ${PATH} yet`);
  const same = new Map([...known].filter(([type]) => documented.includes(type)));
  assert.equal(written, page(same), 'write it anew: node scripts/run.mjs scripts/backend-docs.ts');
  assert.ok(documented.length >= 15);
});

test('no secret has a default or an example in it', () => {
  for (const line of readFileSync(join(root, PATH), 'utf8').split('\n')) {
    if (line.includes(', secret |')) assert.match(line, /, secret \| (required|left out) \|/);
  }
});
