import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ConformanceReport } from '@berth/core/backend-tool';
import { SIM_BREAKS, type SimBreak } from '../sim/breaks.ts';
import { simBackend } from '../sim/sim-backend.ts';
import type { SimCloudOptions } from '../sim/sim-cloud.ts';
import { checkConformance } from './check-conformance.ts';
import { groupOf } from './rule.ts';
import { chosenRules } from './rules.ts';
import { simCloudOf, simFake } from './testing/sim-fake.ts';

interface Setup {
  readonly cloud?: Partial<SimCloudOptions>;
  readonly breaks?: SimBreak;
  readonly rules?: readonly string[];
  /** Situations are not ended. */
  readonly stays?: boolean;
  /** The fake has only what it must have. */
  readonly bare?: boolean;
  /** There is no fake. */
  readonly none?: boolean;
}

async function check({ cloud: options, breaks, rules = [], stays, bare, none }: Setup): Promise<ConformanceReport> {
  const cloud = simCloudOf(options);
  const whole = simFake(cloud);
  const { entry, machines, close } = whole;
  const fake =
    stays === true ? { ...whole, reset: async () => {} } : bare === true ? { entry, machines, close } : whole;
  const dir = await mkdtemp(join(tmpdir(), 'berth-conformance-'));
  try {
    return await checkConformance({
      definition: simBackend(cloud, breaks === undefined ? {} : { breaks }),
      module: null,
      preload: null,
      otherTypes: [],
      dir,
      fake: none === true ? null : fake,
      proxies: [],
      live: null,
      fakeProblem: none === true ? 'there is none' : null,
      signal: new AbortController().signal,
      rules: chosenRules(rules),
      told: () => {},
      // Whatever the simulated cloud does takes it some milliseconds.
      pace: { pollMs: 10, patienceMs: 1_500, cleanMs: 2_000 },
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function failures(report: ConformanceReport): readonly string[] {
  return report.results.flatMap(({ id, failures: all }) =>
    all.map(({ did, expected, came }) => `${id}: ${did}: expected ${expected}, came ${came}`),
  );
}

const KINDS: readonly (readonly [string, Partial<SimCloudOptions>])[] = [
  ['machines that run a script', { agentStart: 'user-data' }],
  ['machines that take keys', { agentStart: 'ssh' }],
  ['containers', { kind: 'container' }],
  ['machines without tags', { tags: false }],
];

/** Rules that only such a cloud has. */
const CLOUD_OF: Partial<Record<SimBreak, Partial<SimCloudOptions>>> = { C14: { tags: false } };

/** What the simulated cloud and its fake have no way to show. */
const NOT_SHOWN = [
  'C9.1',
  'C13.1',
  'C17.5',
  'C2.5',
  'C2.6',
  'C4.8',
  'C6.4',
  'C6.6',
  'C19.4',
  'C18.8',
  'C18.9',
  'C18.10',
];

describe('the kit on the simulated cloud', { concurrency: true }, () => {
  for (const [words, cloud] of KINDS) {
    test(`a backend that obeys every rule passes: ${words}`, async () => {
      const report = await check({ cloud });
      assert.deepEqual(failures(report), []);
      assert.ok(report.ok);
      const starts = {
        'user-data': ['C18.1', 'C18.2'],
        ssh: ['C18.3'],
        container: ['C18.4', 'C18.5', 'C18.6', 'C18.7'],
      };
      const own = starts[cloud.agentStart === 'ssh' ? 'ssh' : cloud.kind === 'container' ? 'container' : 'user-data'];
      const skipped = report.results.filter(({ outcome }) => outcome === 'skipped').map(({ id }) => id);
      const allowed = [
        ...NOT_SHOWN,
        ...Object.values(starts)
          .flat()
          .filter((id) => !own.includes(id)),
      ];
      if (cloud.tags !== false) allowed.push('C14.1');
      if (cloud.kind === 'container') allowed.push('C1.3'); // its agent dials the server
      assert.deepEqual(
        skipped.filter((id) => !allowed.includes(id)),
        [],
        'a rule was skipped that could be shown',
      );
    });
  }

  for (const breaks of SIM_BREAKS) {
    test(`a backend that breaks ${breaks} fails a check of it`, async () => {
      const rule = breaks.split('-')[0] ?? breaks;
      const report = await check({ breaks, rules: [rule], cloud: CLOUD_OF[breaks] ?? {} });
      assert.ok(!report.ok, `${rule} passed on a backend that breaks it`);
      const failed = report.results.filter(({ outcome }) => outcome === 'failed');
      assert.ok(failed.every(({ id }) => groupOf(id) === rule));
      for (const { failures: all } of failed) {
        for (const { expected, came, hint } of all) assert.ok(expected !== '' && came !== '' && hint !== '');
      }
    });
  }
});

test('a machine that cannot be removed is a failure in the end, with the check that made it', async () => {
  // From C15.1 on the cloud ends nothing any more.
  const report = await check({ rules: ['C15.1', 'W6'], stays: true });
  const [first, end] = report.results;
  assert.equal(first?.outcome, 'passed');
  assert.equal(end?.outcome, 'failed');
  assert.match(end.failures[0]?.came ?? '', /^sim-\S+ \(of C15\.1\)$/);
});

test('a fake that cannot show something makes its rule skipped, never passed', async () => {
  const report = await check({ bare: true });
  const passed = report.results.filter(({ outcome }) => outcome === 'passed').map(({ id }) => id);
  for (const id of ['C3.2', 'C3.3', 'C2.3', 'C5.1', 'C6.1', 'C16.1', 'C18.1', 'C15.1']) {
    assert.ok(!passed.includes(id), `${id} passed on a fake that knows nothing`);
  }
  for (const { outcome, reason } of report.results) assert.equal(reason !== null, outcome === 'skipped');
});

test('without a fake the definition alone is looked at, and that there is none is a failure', async () => {
  const report = await check({ none: true });
  assert.deepEqual([report.against, report.ok, report.failed], ['nothing', false, 1]);
  assert.equal(report.results.find(({ outcome }) => outcome === 'failed')?.id, 'K1');
});
