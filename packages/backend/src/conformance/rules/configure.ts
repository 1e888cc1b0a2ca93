/** C17: the look at the credentials. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { parseBackendEntry } from '../../backend-entry.ts';
import { asBackendError } from '../../backend-error.ts';
import type { Bench } from '../bench.ts';
import type { FakeAccount } from '../fake.ts';
import { expect, type Rule, skip, wordsOf } from '../rule.ts';

/** The credentials, and what the wizard offers to choose from. */
const MOST_REQUESTS = 6;

export const configureRules: readonly Rule[] = [
  {
    id: 'C17.1',
    title: 'credentials that work are accepted, and the account is named',
    why: '`berth backend list` shows it: who has three accounts must see which one pays.',
    hint: 'Ask the cheapest call that needs the credentials, and return the account’s name or id.',
    live: true,
    check: async ({ stage }) => {
      const backend = await stage.configure(stage.goodEntry()).catch((error: unknown) => wordsOf(error));
      expect(typeof backend !== 'string', 'a configured backend', String(backend));
      expect(backend.account.trim() !== '', 'the account’s name', 'an empty text');
    },
  },
  refusedRule('C17.2', 'wrong', 'wrong credentials are refused as `auth`'),
  refusedRule('C17.3', 'expired', 'expired credentials are refused as `auth`'),
  {
    id: 'C17.4',
    title: '`configure` makes nothing',
    why: 'It runs at every start of every server, and for backends that are never used.',
    hint: 'Networks, keys and roles are made by `bootstrap.ensure`, when a machine needs them.',
    check: async (bench) => {
      const { fake, stage } = bench;
      await bench.backend();
      const counts = async (): Promise<readonly number[]> => [
        (await fake.machines()).length,
        (await fake.shared?.all())?.length ?? 0,
        (await fake.volumes?.all())?.length ?? 0,
      ];
      const before = await counts();
      await stage.configure(stage.goodEntry());
      const after = await counts();
      expect(isDeepStrictEqual(after, before), 'nothing new in the account', `${before} things before, ${after} after`);
    },
  },
  {
    id: 'C17.5',
    title: '`configure` is cheap',
    why: 'A server with twenty backends asks twenty clouds before it is ready.',
    hint: 'One call for the credentials; few for the choices.',
    check: async (bench) => {
      const { proxies } = bench.stage.options;
      if (proxies.length === 0) skip('the kit sees no requests of a fake without HTTP');
      await bench.backend();
      const count = (): number => proxies.reduce((sum, { seen }) => sum + seen.length, 0);
      const before = count();
      await bench.stage.configure(bench.stage.goodEntry());
      const asked = count() - before;
      expect(asked <= MOST_REQUESTS, `at most ${MOST_REQUESTS} requests`, `${asked}`);
    },
  },
  {
    id: 'C17.6',
    title: 'what `configure` resolves is a config that its schema takes, and stays the same',
    why: 'It is stored, and is the config after a restart.',
    hint: 'Return the config’s own fields, filled in.',
    live: true,
    check: async ({ stage }) => {
      const first = await stage.backend();
      const entry = { ...stage.goodEntry(), config: first.config };
      const again = await stage.configure(entry).catch((error: unknown) => wordsOf(error));
      expect(typeof again !== 'string', 'the resolved config to be accepted', String(again));
      const same = isDeepStrictEqual(
        JSON.parse(JSON.stringify(again.config)),
        JSON.parse(JSON.stringify(first.config)),
      );
      expect(same, JSON.stringify(first.config), JSON.stringify(again.config));
    },
  },
  {
    id: 'C17.7',
    title: 'choices are for fields of the config, and each can be chosen',
    why: 'The wizard offers them; what it writes must be a config that is taken.',
    hint: '`choices` by the name of the field; values as the schema wants them.',
    live: true,
    check: async (bench) => await requireChoices(bench),
  },
];

function refusedRule(id: string, account: FakeAccount, title: string): Rule {
  return {
    id,
    title,
    why: 'Found out when the backend is added, it is a line on the screen; found out later, it is a run that failed.',
    hint: 'Ask something of the cloud that needs the credentials; `context.http` maps 401 and 403 to `auth`.',
    check: async (bench) => {
      const entry = bench.fake.entry(account) ?? skip(`the fake has no ${account} credentials`);
      bench.did(`configure with ${account} credentials`);
      const error = await bench.stage.configure(entry).then(
        () => null,
        (cause: unknown) => asBackendError(cause),
      );
      expect(error !== null, 'a refusal', 'they were accepted');
      expect(error.code === 'auth', 'code `auth`', `${error.code}: ${error.message}`);
    },
  };
}

async function requireChoices({ stage }: Bench): Promise<void> {
  const { choices } = await stage.backend();
  const { definition } = stage.options;
  if (Object.keys(choices).length === 0) skip('it offers no choices');
  const fields = definition.config instanceof z.ZodObject ? Object.keys(definition.config.shape) : [];
  for (const [field, offered] of Object.entries(choices)) {
    expect(fields.includes(field), `a field of the config: ${fields.join(', ')}`, field);
    const values = offered.map(({ value }) => value);
    expect(new Set(values).size === values.length, `choices of ${field} once each`, values.join(', '));
    const [value] = values;
    if (value === undefined) continue;
    const entry = stage.goodEntry();
    const taken = (config: unknown): Promise<boolean> =>
      parseBackendEntry(definition, { ...entry, config: { ...Object(entry.config), [field]: config } }).then(
        () => true,
        () => false,
      );
    expect((await taken(value)) || (await taken([value])), `${field}: ${value} to be taken`, 'the schema refuses it');
  }
}
