import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { discoverBackends, loadBackends } from '@berth/backend';
import { resolveAccelerator } from '@berth/core/accelerators';

const roots = [join(import.meta.dirname, '..', 'backends')];
const { available, unavailable } = await loadBackends(await discoverBackends({ roots }));
const rules = available.flatMap(({ definition: { type, catalog } }) =>
  catalog.kind === 'owned' ? [] : catalog.rules.map((rule) => ({ type, rule })),
);

test('every folder of backends loads, and every cloud says what must be true of its offers', () => {
  assert.deepEqual(unavailable, []);
  const clouds = available.filter(({ definition }) => definition.catalog.kind !== 'owned');
  const ruled = new Set(rules.map(({ type }) => type));
  assert.deepEqual(
    clouds.map(({ definition }) => definition.type).filter((type) => !ruled.has(type)),
    [],
  );
});

test('rules ask for devices by the names that the registry gives them: another spelling would never be found', () => {
  const asked = rules.flatMap(({ type, rule }) => {
    const names = rule.rule === 'accelerators' ? rule.names : rule.rule === 'cheap' ? rule.accelerators : [];
    return names.map((name) => [type, name] as const);
  });
  assert.ok(asked.length > 50);
  for (const [type, name] of asked) assert.equal(resolveAccelerator(name)?.name, name, type);
});

test('no rule asks for more than it names, or for one thing twice', () => {
  for (const { type, rule } of rules) {
    if (!('names' in rule)) continue;
    assert.equal(new Set(rule.names).size, rule.names.length, `${type}: ${rule.rule}`);
    const least = 'atLeast' in rule ? rule.atLeast : undefined;
    assert.ok(least === undefined || (least > 0 && least < rule.names.length), `${type}: ${rule.rule}`);
  }
});
