import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FACETS } from './contract.ts';
import { computeProblems } from './facet-shape.ts';

const works = () => undefined;
const required = { create: works, list: works, terminate: works };

test('the three required members are enough', () => {
  assert.deepEqual(computeProblems(required), []);
});

test('what is no compute, or lacks a required member, is told with the rule', () => {
  assert.match(computeProblems(null).join(), /no object \(C10\)/);
  assert.match(computeProblems({ ...required, terminate: 'soon' }).join(), /no `terminate`.*C10/);
});

test('every facet that is half there is told by name and member, so that no plan relies on it', () => {
  for (const facet of FACETS) {
    assert.ok(computeProblems({ ...required, [facet]: {} }).length > 0, facet);
    assert.match(computeProblems({ ...required, [facet]: {} }).join(), new RegExp(`\`${facet}[\`.].*C8`));
    assert.match(computeProblems({ ...required, [facet]: true }).join(), /is no object \(C8\)/);
  }
  const volumes = { create: works, register: works, list: works, delete: works, attach: works };
  assert.deepEqual(computeProblems({ ...required, volumes }), [
    'its facet `volumes` has no `detach`: a facet that is there must work (C8)',
  ]);
});

test('members that are values must be those that the contract knows', () => {
  const bootstrap = { ensure: works, remove: works, whenUnused: 'forget' };
  assert.match(computeProblems({ ...required, bootstrap }).join(), /whenUnused` must be "remove" or "keep"/);
  assert.match(computeProblems({ ...required, group: { max: 0, create: works } }).join(), /group\.max/);
  assert.deepEqual(computeProblems({ ...required, group: { max: 8, create: works } }), []);
});
