/** The checks as tests of Node's own runner, for a backend's `npm test`. */
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

/** One test for each check; what cannot be shown on the fake is skipped, with the reason. `module` exports the definition. */
export async function obeysTheContract(
  t: TestContext,
  definition: AnyBackendDefinition,
  conformance: Conformance,
  module: URL,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-conformance-'));
  const opened = await openFake(conformance, dir);
  try {
    const { fake, proxies } = opened;
    const told: Promise<unknown>[] = [];
    const common = { definition, dir, fake, proxies, rules: RULES, signal: t.signal };
    await checkConformance({
      ...common,
      module: fileURLToPath(module),
      preload: null,
      otherTypes: [],
      live: null,
      fakeProblem: null,
      told: (result) => told.push(asTest(t, result)),
    });
    await Promise.all(told);
  } finally {
    await opened.close();
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function asTest(t: TestContext, { id, title, outcome, reason, failures }: RuleResult): Promise<void> {
  await t.test(`${id} ${title}`, (one) => {
    if (outcome === 'skipped') one.skip(reason ?? '');
    const told = failures.map(({ did, expected, came, hint }) =>
      [`expected ${expected}`, `came ${came}`, `done: ${did}`, `hint: ${hint}`].join('\n'),
    );
    if (outcome === 'failed') throw new Error(told.join('\n\n'));
  });
}
