import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { BACKEND_TYPE } from '../contract.ts';
import { render, typeOf } from './render.ts';

const OPTIONS = {
  title: 'Acme GPU',
  type: 'acme-gpu',
  kind: 'vm',
  catalog: 'offline',
  packageName: '@berth/backend-acme-gpu',
  checkName: 'acme-gpu',
} as const;

test('a title becomes a type as people would spell it', () => {
  assert.equal(typeOf('FluffyCloud'), 'fluffycloud');
  assert.equal(typeOf(' Acme  GPU! '), 'acme-gpu');
  assert.equal(BACKEND_TYPE.test(typeOf('99')), false);
  assert.equal(BACKEND_TYPE.test(typeOf('')), false);
});

test('lines of another kind or catalog are left out, with their marks', () => {
  const template = 'a\n  //#if vm\nvm\n  //#end\n//#if container\nbox\n//#end\n//#if online\nonline\n//#end\nz';
  assert.equal(render(template, OPTIONS), 'a\nvm\nz');
  assert.equal(render(template, { ...OPTIONS, kind: 'container', catalog: 'online' }), 'a\nbox\nonline\nz');
});

test('no title breaks out of the comment, string or text in which it stands', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (title) => {
      const [line = ''] = render("const title = 'FluffyCloud'; /* FluffyCloud */", { ...OPTIONS, title }).split('\n');
      assert.match(line, /^const title = '[^'\\\n]*'; \/\* [^*/\n]* ?\*\/$/);
    }),
  );
});

test('nothing of the template’s own names and marks is left in what is written', () => {
  const folder = join(import.meta.dirname, 'template');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.txt')) continue;
    const text = render(readFileSync(join(folder, name), 'utf8'), OPTIONS);
    assert.doesNotMatch(text, /^\s*\/\/#(if|end)|fluffy|PACKAGE_NAME|CHECK_NAME/im, name);
  }
});

test('regression: a name that holds one of the template’s names is put in once', () => {
  const text = render('FluffyCloud fluffycloud CHECK_NAME', {
    ...OPTIONS,
    title: 'Super fluffycloud',
    type: 'super-fluffycloud',
    checkName: './fluffycloud/$&',
  });
  assert.equal(text, 'Super fluffycloud super-fluffycloud ./fluffycloud/$&');
});
