import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { groupOf } from './rule.ts';
import { chosenRules, RULES } from './rules.ts';
import { rulesDocument, statedRules } from './rules-document.ts';

const contract = readFileSync(new URL('../contract.ts', import.meta.url), 'utf8');

test('the page of the rules is that of the code', () => {
  const page = readFileSync(new URL('../../../../docs/contract-rules.md', import.meta.url), 'utf8');
  assert.equal(page, rulesDocument(contract, RULES), 'run `node scripts/contract-rules.ts`');
});

test('every rule of the contract has a check, and every check a rule', () => {
  const stated = [...statedRules(contract).keys()];
  assert.equal(stated.length, 29);
  const checked = new Set(RULES.map(({ id }) => groupOf(id)));
  assert.deepEqual(
    stated.filter((rule) => !checked.has(rule)),
    [],
  );
  for (const { id } of RULES) assert.ok(/^[KW]/.test(id) || stated.includes(groupOf(id)), id);
});

test('checks have one number each, and say what, why and what to do', () => {
  assert.equal(new Set(RULES.map(({ id }) => id)).size, RULES.length);
  for (const { id, title, why, hint } of RULES) {
    assert.match(id, /^[CKW]\d+(?:\.\d+)?$/);
    for (const text of [why, hint]) assert.match(text, /[.?]$/, id);
    assert.doesNotMatch(title, /\.$/, id);
  }
});

test('rules are chosen by number, in any case, and one that is none is refused by name', () => {
  assert.deepEqual(
    chosenRules(['c13', 'C2.3']).map(({ id }) => id),
    ['C13.1', 'C2.3'],
  );
  assert.ok(chosenRules(['C2']).every(({ id }) => id.startsWith('C2.')));
  assert.throws(() => chosenRules(['C99']), /There is no rule C99/);
});
