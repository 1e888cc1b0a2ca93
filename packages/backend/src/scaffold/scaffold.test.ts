import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { scaffold } from './scaffold.ts';

test('regression: what is to be checked is named by a path as people write it', async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'berth-scaffold-'));
  t.after(() => rmSync(base, { recursive: true }));
  const cwd = join(base, 'here');
  mkdirSync(cwd);
  const name = async (out: string) => {
    const options = {
      title: 'Acme',
      kind: 'vm',
      catalog: 'offline',
      cwd,
      taken: new Set<string>(),
      clone: null,
    } as const;
    return (await scaffold({ ...options, out, templates: join(import.meta.dirname, 'template') })).checkName;
  };
  assert.equal(await name('acme'), './acme');
  assert.equal(await name('../there'), '../there');
  assert.equal(await name(join(base, 'elsewhere')), '../elsewhere');
});
