import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BackendTypeView } from '@berth/core/api-schemas';
import { Reported } from '../output/error.ts';
import type { Asker } from './asker.ts';
import { fillIn, type Given, type Submission } from './wizard.ts';

const KEY = 'hunter2-hunter2';

const type = (more: Partial<BackendTypeView>): BackendTypeView => ({
  type: 'fluffy',
  title: 'FluffyCloud',
  kind: 'vm',
  status: 'available',
  reason: null,
  creates_machines: true,
  config: {
    type: 'object',
    properties: {
      project: { type: 'string', description: 'Which project pays.' },
      regions: { type: 'array', items: { type: 'string' }, description: 'Regions to use.' },
      network: { type: 'string' },
      machines: { type: 'integer', default: 5 },
    },
    required: ['project'],
  },
  credentials: [
    { kind: 'default', schema: { type: 'object', properties: {} } },
    {
      kind: 'client',
      schema: {
        type: 'object',
        properties: { client_id: { type: 'string' }, client_secret: { type: 'string', writeOnly: true } },
        required: ['client_id', 'client_secret'],
      },
    },
  ],
  ...more,
});

const TYPES = [type({}), type({ type: 'aws', title: 'AWS', creates_machines: false })];
const nothing: Given = { name: 'mine', type: null, config: {}, set: [], kind: null, credentials: null };

/** Answers in order; what it is asked, and how, is kept. */
function scripted(answers: readonly (string | Error)[]) {
  const left = [...answers];
  const asked: string[] = [];
  const said: string[] = [];
  const asker: Asker = {
    ask: async (prompt, options) => {
      asked.push(options?.hidden === true ? `(hidden) ${prompt}` : prompt);
      const answer = left.shift();
      if (answer === undefined) throw new Error(`nothing to answer to ${prompt}`);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    say: (text) => void said.push(text),
  };
  return { asker, asked, said, left };
}

async function fill(given: Partial<Given>, asker: Asker | null) {
  const tried: Submission[] = [];
  const submission = await fillIn(
    { ...nothing, ...given },
    {
      types: TYPES,
      asker,
      choices: async (body) => {
        tried.push(structuredClone(body));
        const regions = [{ value: 'eu-1' }, { value: 'us-1', title: 'Virginia' }];
        return { account: 'team', facets: [], choices: { regions, network: [{ value: 'net-1' }] } };
      },
    },
  );
  return { submission, tried };
}

test('on a terminal everything is asked for: type, kind, fields, and then what the account has to choose from', async () => {
  const person = scripted(['1', 'client', 'app-7', KEY, 'research', '1,us-1', '1', '']);
  const { submission, tried } = await fill({}, person.asker);
  assert.deepEqual(submission, {
    type: 'fluffy',
    config: { project: 'research', regions: ['eu-1', 'us-1'], network: 'net-1' },
    credentials: { kind: 'client', value: { client_id: 'app-7', client_secret: KEY } },
  });
  assert.deepEqual(person.left, []);
  assert.deepEqual(tried[0]?.config, { project: 'research' }, 'the account is asked before its choices are offered');
  assert.deepEqual(
    person.asked.filter((prompt) => prompt.startsWith('(hidden)')),
    ['(hidden) client_secret, not shown: '],
  );
  const shown = [...person.asked, ...person.said].join('');
  assert.match(shown, /1 {2}fluffy {2}FluffyCloud\n/);
  assert.doesNotMatch(shown, /AWS|hunter2/, 'neither what cannot be chosen nor what was typed');
  assert.match(shown, /Account: team[\s\S]*regions \(Regions to use\)\n {2}1 {2}eu-1\n {2}2 {2}us-1 {2}Virginia/);
  assert.match(shown, /Numbers or names, with commas between them \[all\]: .*machines \[5\]: /);
});

test('Enter takes all regions and every default; what is wrong is asked again, and not for ever', async () => {
  const person = scripted(['client', 'app', KEY, '', 'research', '3', '', '', 'many', '7']);
  const { submission } = await fill({ type: 'fluffy' }, person.asker);
  assert.deepEqual(submission.config, { project: 'research', machines: 7 });
  assert.match(person.said.join(''), /`project` is needed[\s\S]*`3` is none of these[\s\S]*must be a whole number/);
  const nobody = scripted(['', '', '']);
  await assert.rejects(fill({}, nobody.asker), /no answer to/);
});

test('Ctrl-C at any question ends it, and the cloud is asked nothing', async () => {
  for (const answers of [[], ['1'], ['1', 'client'], ['1', 'client', 'app'], ['1', 'client', 'app', KEY]]) {
    const person = scripted([...answers, new Reported(130)]);
    await assert.rejects(fill({}, person.asker), Reported);
  }
});

test('every question can be answered beforehand: then nobody is needed, and none is asked', async () => {
  const given = {
    type: 'fluffy',
    set: ['project=research', 'regions=eu-1, us-1', 'machines=3', 'client_id=app'],
    credentials: { type: 'client', client_secret: KEY },
  };
  const { submission, tried } = await fill(given, null);
  assert.deepEqual(submission, {
    type: 'fluffy',
    config: { project: 'research', regions: ['eu-1', 'us-1'], machines: 3 },
    credentials: { kind: 'client', value: { client_secret: KEY, client_id: 'app' } },
  });
  assert.deepEqual(tried, [], 'the server tries it when it is stored');
  const ambient = await fill({ type: 'fluffy', kind: 'default', set: ['project=p'] }, null);
  assert.deepEqual(ambient.submission.credentials, { kind: 'default', value: null });
  const fields = { client_id: 'a', client_secret: KEY };
  const guessed = await fill({ type: 'fluffy', set: ['project=p'], credentials: fields }, null);
  assert.equal(guessed.submission.credentials.kind, 'client', 'the only kind with these fields');
});

test('without a terminal all that is missing is named at once', async () => {
  const all = fill({ type: 'fluffy', kind: 'client' }, null);
  await assert.rejects(
    all,
    /`client_id`.*`client_secret` \(with `--credentials-file`\), `project` \(with `--set project=/,
  );
  await assert.rejects(
    fill({ type: 'fluffy' }, null),
    /a kind of credentials \(`--credentials` `default` or `client`\)/,
  );
  await assert.rejects(fill({}, null), /no backend of type `\w+`, and standard input is no terminal/);
  await assert.rejects(fill({ name: 'flufy' }, null), { hint: /did you mean `fluffy`\?/ });
});

test('a secret in a command line, an unknown field and an impossible type are refused', async () => {
  const told = (given: Partial<Given>) => fill({ type: 'fluffy', kind: 'client', ...given }, null);
  await assert.rejects(told({ set: [`client_secret=${KEY}`] }), (error: Error) => {
    assert.match(error.message, /is secret/);
    assert.doesNotMatch(JSON.stringify(error) + error.message, /hunter2/);
    return true;
  });
  await assert.rejects(told({ set: ['region=eu'] }), /no field `region`/);
  await assert.rejects(told({ set: ['machines=many'] }), /whole number, not `many`/);
  await assert.rejects(told({ kind: 'key' }), /no credentials of kind `key`/);
  await assert.rejects(told({ type: 'aws' }), /only the price list/);
  await assert.rejects(told({ type: 'fluffi' }), { hint: 'did you mean `fluffy`?' });
});

test('of one that is replaced the config stays, but for what is set anew', async () => {
  const config = { project: 'old', machines: 2 };
  const given = { type: 'fluffy', kind: 'default', config, set: ['machines=4'] };
  assert.deepEqual((await fill(given, null)).submission.config, { project: 'old', machines: 4 });
});
