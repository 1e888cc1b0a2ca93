/** The workflow that publishes prices knows every source, and credentials by the names that sources read. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { discoverBackends, loadBackends } from '@berth/backend';
import { parse } from 'yaml';
import { z } from 'zod';

const ROOT = join(import.meta.dirname, '..');

const step = z.object({
  name: z.string(),
  id: z.string().optional(),
  if: z.string().optional(),
  uses: z.string().optional(),
  run: z.string().optional(),
  env: z.record(z.string(), z.string()).optional(),
});

const workflow = z
  .object({
    on: z.object({ schedule: z.array(z.object({ cron: z.string() })) }),
    jobs: z.object({
      source: z.object({
        strategy: z.object({ 'fail-fast': z.boolean(), matrix: z.object({ source: z.array(z.string()) }) }),
        steps: z.array(step),
      }),
    }),
  })
  .parse(parse(readFileSync(join(ROOT, '.github', 'workflows', 'catalog.yml'), 'utf8')));
const { strategy, steps } = workflow.jobs.source;

const { available } = await loadBackends(await discoverBackends({ roots: [join(ROOT, 'backends')] }));
const priced = available.map(({ definition }) => definition).filter(({ catalog }) => catalog.kind !== 'owned');

test('every source that is installed has a job of its own, and no other is named', () => {
  assert.deepEqual(strategy.matrix.source, priced.map(({ type }) => type).sort());
  assert.equal(strategy['fail-fast'], false, 'what goes wrong with one source stops no other');
});

test('it runs hourly, and collects, checks and publishes in this order', () => {
  assert.match(workflow.on.schedule[0]?.cron ?? '', /^\d+ \* \* \* \*$/);
  const commands = steps.flatMap(({ run }) => /berth catalog (\w+)/.exec(run ?? '')?.[1] ?? []);
  assert.deepEqual(commands, ['pull', 'collect', 'check', 'publish']);
  const publish = steps.find(({ name }) => name === 'Publish');
  assert.match(publish?.if ?? '', /steps\.check\.outcome == 'success'/, 'what does not pass is not published');
});

test('no step runs code of somebody else', () => {
  assert.deepEqual(
    steps.filter(({ uses }) => uses !== undefined),
    [],
  );
});

test('each credential is under the name that its source reads, and none is missing', () => {
  const given = Object.keys(steps.find(({ id }) => id === 'collect')?.env ?? {});
  const allowed = new Map<string, string>(
    priced.flatMap(({ type, credentials }) =>
      Object.values(credentials).flatMap((schema) =>
        Object.keys(schema instanceof z.ZodObject ? schema.shape : {}).map(
          (field) => [`BERTH_CATALOG_${type.toUpperCase().replaceAll('-', '_')}_${field.toUpperCase()}`, type] as const,
        ),
      ),
    ),
  );
  assert.deepEqual(
    given.filter((name) => !allowed.has(name)),
    [],
  );
  const served = new Set(given.map((name) => allowed.get(name)));
  const needy = priced.filter(({ catalog }) => catalog.kind !== 'owned' && catalog.credentials === 'required');
  assert.deepEqual(
    needy.map(({ type }) => type).filter((type) => !served.has(type)),
    [],
  );
});
