import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ConformanceReport } from '@berth/core/backend-tool';
import type { ComputeDefinition } from '../contract.ts';
import { checkConformance } from './check-conformance.ts';
import { defineConformance } from './fake.ts';
import { openFake } from './open-fake.ts';
import { chosenRules } from './rules.ts';
import { HTTP_BREAKS, type HttpBreak, httpBackend } from './testing/http-backend.ts';
import { HttpCloud } from './testing/http-cloud.ts';

async function check(breaks: HttpBreak | null, rules: readonly string[] = []): Promise<ConformanceReport> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-http-'));
  const cloud = new HttpCloud();
  let definition: ComputeDefinition<unknown, unknown> | null = null;
  const conformance = defineConformance({
    start: async ({ front }) => {
      const url = await front(await cloud.listen());
      definition = httpBackend(url, breaks);
      return cloud.fake(url);
    },
  });
  const { fake, proxies, close } = await openFake(conformance, dir);
  try {
    assert.ok(definition !== null);
    const common = { definition, dir, fake, proxies, live: null, fakeProblem: null, otherTypes: [] };
    return await checkConformance({
      ...common,
      module: null,
      preload: null,
      signal: new AbortController().signal,
      rules: chosenRules(rules),
      told: () => {},
      pace: { pollMs: 10, patienceMs: 2_000, cleanMs: 2_000 },
    });
  } finally {
    await close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Checks that must see each mistake. */
const SEEN_BY: Readonly<Record<HttpBreak, string>> = {
  signal: 'C5.2',
  'half-list': 'C6.6',
  swallow: 'C4.8',
  'url-key': 'C7.3',
  impatient: 'C16.1',
  'old-prices': 'C19.4',
  chatty: 'C17.5',
};

describe('a cloud behind HTTP', { concurrency: true }, () => {
  test('a backend that obeys passes, faults of the network included', async () => {
    const report = await check(null);
    const wrong = report.results.flatMap(({ id, failures }) => failures.map(({ came, did }) => [id, came, did]));
    assert.deepEqual(wrong, []);
    const skipped = new Set(report.results.filter(({ outcome }) => outcome === 'skipped').map(({ id }) => id));
    for (const id of [
      'C2.3',
      'C2.5',
      'C2.6',
      'C2.8',
      'C4.8',
      'C5.1',
      'C5.4',
      'C6.4',
      'C6.6',
      'C13.1',
      'C16.1',
      'C19.4',
    ]) {
      assert.ok(!skipped.has(id), `${id} was skipped`);
    }
  });

  for (const breaks of HTTP_BREAKS) {
    test(`${breaks} is seen`, async () => {
      const id = SEEN_BY[breaks];
      const report = await check(breaks, ['C3.1', id]);
      const [failed] = report.results.filter(({ outcome }) => outcome === 'failed');
      assert.equal(failed?.id, id);
      assert.notEqual(failed.failures[0]?.came, '');
    });
  }

  test('the requests of a failure are told without their query', async () => {
    const report = await check('url-key', ['C3.1', 'C7.3']);
    assert.doesNotMatch(JSON.stringify(report), /http-key-good/);
  });
});
