/** The kit as a test, for the folder of a backend: one subtest for each check, skipped ones with their reason. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RuleResult } from '@berth/core/backend-tool';
import type { AnyBackendDefinition } from '../contract.ts';
import { checkConformance } from './check-conformance.ts';
import type { Conformance } from './fake.ts';
import { openFake } from './open-fake.ts';
import { RULES } from './rules.ts';

/**
 * `test('…', (t) => obeysTheContract(t, definition, conformance, new URL('./index.ts', import.meta.url)))`
 * @param module exports the definition; it is imported once more by itself, to see that it does nothing else (C9)
 */
export async function obeysTheContract(
  t: TestContext,
  definition: AnyBackendDefinition,
  conformance: Conformance,
  module: URL,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-check-'));
  const { fake, proxies, close } = await openFake(conformance, await mkdtemp(join(dir, 'fake-')));
  const results: RuleResult[] = [];
  try {
    await checkConformance({
      definition,
      module: fileURLToPath(module),
      preload: null,
      otherTypes: [],
      dir,
      fake,
      proxies,
      live: null,
      fakeProblem: null,
      signal: t.signal,
      rules: RULES,
      told: (result) => results.push(result),
    });
  } finally {
    await close();
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  }
  for (const { id, title, outcome, reason, failures } of results) {
    await t.test(`${id} ${title}`, (rule) => {
      if (outcome === 'skipped') rule.skip(reason ?? '');
      assert.deepEqual(failures, []);
    });
  }
}
