/** C8 to C13: what the folder says of itself, before anything is asked of a cloud. */
import { spawn } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { BerthError } from '@berth/core';
import { z } from 'zod';
import { parseBackendEntry } from '../../backend-entry.ts';
import { definitionProblems } from '../../definition-shape.ts';
import type { Bench } from '../bench.ts';
import { expect, type Rule, skip } from '../rule.ts';

/** A key that no schema knows. */
const STRANGE = 'berth_conformance_no_such_key';
const IMPORT_DEADLINE_MS = 15_000;
const MINUTE_MS = 60_000;

/** Fields that hold what nobody may see, as people name them; an id, a path, a public part or AWS's access key is none. */
const SECRET_FIELD = /(?:key|token|secret|password|passphrase)$/i;
const PLAIN_FIELD = /public|_file|_path|_name|_id|^access_key$/i;

export const definitionRules: readonly Rule[] = [
  {
    id: 'K1',
    title: 'the folder ships a fake of its cloud',
    why: 'Without one, most rules can only be shown on a real account, for money, and nobody runs them before each change.',
    hint: 'Name a module in package.json (`"berth": { "conformance": "./src/conformance.ts" }`) whose default export is `defineConformance({ start })`.',
    offline: true,
    check: async ({ stage }) => {
      const { fakeProblem, definition, live } = stage.options;
      if (live !== null) skip('a real account is checked');
      if (definition.compute === undefined) skip('a price list needs none');
      expect(fakeProblem === null, 'a fake that starts', fakeProblem ?? '');
    },
  },
  {
    id: 'C8.1',
    title: 'a facet that is there is whole',
    why: 'What a backend can do is read from its facets: half of one is found out only when a user needs the other half.',
    hint: 'Write the missing method, or leave the facet out.',
    check: async ({ stage }) => {
      const problem = await stage.configure(stage.goodEntry()).then(
        () => '',
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      expect(!problem.includes('(C8)'), 'every facet with all its methods', problem);
    },
  },
  {
    id: 'C8.2',
    title: 'a facet that is there works',
    why: 'A plan that needs the facet is made because it is there, and fails when the machine is already paid for.',
    hint: 'Write the method, or leave the facet out.',
    live: true,
    check: async (bench) => {
      const { facets, compute } = await bench.backend();
      if (facets.length === 0) skip('it has no facets');
      const { request, ref } = await bench.running();
      const { region, resources } = request.offer;
      const call = bench.call();
      await compute.offers?.availability([request.offer], call);
      await compute.suspend?.start(ref, call);
      await compute.ports?.list(ref, call);
      await compute.volumes?.list(call);
      await compute.placement?.list(call);
      await compute.gateways?.list(call);
      await compute.reservations?.list(call);
      await compute.images?.resolve({ region, cpuArch: resources.cpuArch, accelerators: false }, call);
      await compute.bootstrap?.ensure(region, call);
      await compute.agent?.start(ref, request.agentStart, call);
    },
  },
  {
    id: 'C9.1',
    title: 'importing the module does nothing else',
    why: 'Every server and every command loads all backends: a timer, a connection or a line on standard output there is everybody’s.',
    hint: 'Move what runs at import into `configure` or `compute`.',
    offline: true,
    check: async ({ stage }) => {
      const { module, preload } = stage.options;
      if (module === null) skip('the definition is not in a module of its own');
      const { code, said } = await imported(module, preload);
      expect(code !== null, 'the import to end by itself', `it still ran after ${IMPORT_DEADLINE_MS / 1000} s`);
      expect(code === 0 && said === '', 'an import without a word', said === '' ? `exit code ${code}` : said);
    },
  },
  {
    id: 'C10.1',
    title: 'the definition has every required member, each of its type',
    why: 'The server lists a backend with a defect as unavailable.',
    hint: 'Types tell the same: run `tsc`.',
    offline: true,
    check: async ({ stage }) => {
      const problems = definitionProblems(stage.options.definition);
      expect(problems.length === 0, 'nothing to complain about', problems.join('; '));
    },
  },
  {
    id: 'C10.2',
    title: 'limits are those of a cloud',
    why: 'The engine gives a machine up after `provisioningTimeoutMs`, and believes after `listLagMs` that it is gone.',
    hint: 'Both are milliseconds.',
    offline: true,
    check: async ({ stage }) => {
      const { provisioningTimeoutMs, listLagMs = 30_000 } = stage.definition.limits;
      const minutes = provisioningTimeoutMs / MINUTE_MS;
      expect(
        minutes >= 0.25 && minutes <= 180,
        '`provisioningTimeoutMs` of 15 s to 3 h',
        `${provisioningTimeoutMs} ms`,
      );
      expect(listLagMs <= 15 * MINUTE_MS, '`listLagMs` of at most 15 minutes', `${listLagMs} ms`);
    },
  },
  {
    id: 'C11.1',
    title: 'an unknown key in the config is refused',
    why: 'A misspelt key that is ignored is a region or a limit that a user believes to be set.',
    hint: 'Use `z.strictObject`, and no `.loose()` or `.catchall()`.',
    offline: true,
    check: async (bench) => await refusesStrangeKey(bench, 'config', kindsOf(bench)[0] ?? ''),
  },
  {
    id: 'C11.2',
    title: 'an unknown key in the credentials is refused',
    why: 'As in the config; and what stands in the wrong place is stored where no redaction looks.',
    hint: 'Use `z.strictObject` for every kind of credentials.',
    offline: true,
    check: async (bench) => {
      for (const kind of kindsOf(bench)) await refusesStrangeKey(bench, 'credentials', kind);
    },
  },
  {
    id: 'C11.3',
    title: 'fields of credentials that are secret say so',
    why: 'Only what is marked is asked for without echo, sealed in the store and taken out of messages.',
    hint: 'Use `secret()` of `@berth/backend` for the field.',
    offline: true,
    check: async ({ stage }) => {
      for (const [kind, schema] of Object.entries(stage.options.definition.credentials)) {
        const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
        const open = Object.entries(properties)
          .filter(([name]) => SECRET_FIELD.test(name) && !PLAIN_FIELD.test(name))
          .filter(([, field]) => typeof field === 'object' && field.writeOnly !== true)
          .map(([name]) => name);
        expect(open.length === 0, `\`credentials.${kind}\` to mark its secrets`, `${open.join(', ')} unmarked`);
      }
    },
  },
  {
    id: 'C12.1',
    title: 'no other installed backend has this type',
    why: 'Of two with one type only the first found is used.',
    hint: 'Choose another `type`, or remove the other package.',
    offline: true,
    check: async ({ stage }) => {
      const { type } = stage.options.definition;
      expect(!stage.options.otherTypes.includes(type), `"${type}" once`, 'another package with the same type');
    },
  },
  {
    id: 'C13.1',
    title: 'the price list can be collected, and every row of it is an offer',
    why: 'An offer that is none is left out, and the machine behind it is never found.',
    hint: '`berth catalog collect` says which rows were left out, and why.',
    appliesTo: 'price-list',
    check: async ({ stage }) => {
      const { fake, live, definition } = stage.options;
      if (fake === null && live === null) skip('the folder ships no fake that could be asked');
      if (fake?.offers !== undefined) skip('the fake does not serve the price list');
      const offers = await stage.collected();
      expect(offers.length > 0, `offers of ${definition.title}`, 'none');
      const ids = new Set(offers.map(({ id }) => id));
      expect(ids.size === offers.length, 'each offer once', `${offers.length - ids.size} of ${offers.length} twice`);
    },
  },
];

function kindsOf(bench: Bench): readonly string[] {
  return Object.keys(bench.stage.options.definition.credentials);
}

async function refusesStrangeKey(bench: Bench, where: 'config' | 'credentials', kind: string): Promise<void> {
  const { definition } = bench.stage.options;
  const entry = {
    name: 'conformance',
    type: definition.type,
    config: where === 'config' ? { [STRANGE]: 1 } : {},
    credentials: { kind, value: where === 'credentials' ? { [STRANGE]: 1 } : {} },
  };
  bench.did(`parse ${where} (${kind}) with the key ${STRANGE}`);
  const error = await parseBackendEntry(definition, entry).then(
    () => null,
    (cause: unknown) => cause,
  );
  const issues = error instanceof BerthError ? error.issues : [];
  const named = issues.some(({ path, message }) => path.startsWith(where) && message.includes(STRANGE));
  expect(named, `the key to be refused in ${where} of kind ${kind}`, 'it was taken');
}

/** In a process of its own. Code null: it had to be ended. */
async function imported(
  module: string,
  preload: string | null,
): Promise<{ readonly code: number | null; readonly said: string }> {
  const first = preload === null ? '' : `(await import(${JSON.stringify(preload)})).offerBerth();`;
  const program = `${first} await import(${JSON.stringify(pathToFileURL(module).href)});`;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const timer = setTimeout(() => child.kill('SIGKILL'), IMPORT_DEADLINE_MS);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (said.length < 2_000) said += text;
    });
  }
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (status) => resolve(status));
    });
    return { code, said: said.trim() };
  } finally {
    clearTimeout(timer);
  }
}
