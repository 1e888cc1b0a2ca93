/** The workflow that publishes prices knows every source, and credentials by the names that sources read. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { discoverBackends, loadBackends } from '@berth/backend';
import { parse } from 'yaml';
import { z } from 'zod';
import { pricedTypes } from '../scripts/catalog-sources.ts';
import { credentialsOf } from '../scripts/collect-with-secrets.ts';

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
        strategy: z.object({ 'fail-fast': z.boolean(), matrix: z.object({ source: z.string() }) }),
        steps: z.array(step),
      }),
    }),
  })
  .parse(parse(readFileSync(join(ROOT, '.github', 'workflows', 'catalog.yml'), 'utf8')));
const { strategy, steps } = workflow.jobs.source;

const { available } = await loadBackends(await discoverBackends({ roots: [join(ROOT, 'backends')] }));
const priced = available.map(({ definition }) => definition).filter(({ catalog }) => catalog.kind !== 'owned');

test('every source that is installed has a job of its own, and the workflow names none: one folder adds a cloud', async () => {
  const forAll = priced.filter(({ type }) => type !== 'fluffycloud'); // whose prices are an account's own
  assert.deepEqual(await pricedTypes(ROOT), forAll.map(({ type }) => type).sort());
  assert.equal(strategy.matrix.source, '${{ fromJSON(needs.sources.outputs.sources) }}');
  assert.equal(strategy['fail-fast'], false, 'what goes wrong with one source stops no other');
  const text = readFileSync(join(ROOT, '.github', 'workflows', 'catalog.yml'), 'utf8');
  for (const { type } of priced) assert.doesNotMatch(text, new RegExp(`\\b${type}\\b`), `${type} is named`);
});

test('it runs hourly, and collects, checks and publishes in this order', () => {
  assert.match(workflow.on.schedule[0]?.cron ?? '', /^\d+ \* \* \* \*$/);
  const commands = steps.flatMap(
    ({ run }) =>
      /berth catalog (\w+)|scripts\/(collect)/
        .exec(run ?? '')
        ?.slice(1)
        .find((word) => word !== undefined) ?? [],
  );
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

test("a source gets its own credentials under the names that it reads, and nobody else's", () => {
  const secrets = {
    CATALOG_KEY: 'signs',
    CATALOG_AUTHORIZATION: 'uploads',
    CATALOG_AWS_ACCESS_KEY: 'a',
    CATALOG_LAMBDA_API_KEY: 'l',
    OTHER: 'o',
  };
  assert.deepEqual(credentialsOf('aws', secrets), { BERTH_CATALOG_AWS_ACCESS_KEY: 'a' });
  assert.deepEqual(credentialsOf('lambda', secrets), { BERTH_CATALOG_LAMBDA_API_KEY: 'l' });
  assert.deepEqual(credentialsOf('vultr', secrets), {});
  const collect = steps.find(({ id }) => id === 'collect');
  assert.deepEqual(Object.keys(collect?.env ?? {}), ['SECRETS']);
});
