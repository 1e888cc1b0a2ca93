/** C7: what is secret stays inside. Runs last: it looks at everything that was said while the others ran. */
import { parseBackendEntry } from '../../backend-entry.ts';
import { redactorFor, secretsOf } from '../../redaction.ts';
import type { Bench } from '../bench.ts';
import { FAKE_ACCOUNTS } from '../fake.ts';
import { expect, type Rule, skip } from '../rule.ts';

export const secretRules: readonly Rule[] = [
  {
    id: 'C7.1',
    title: 'no secret in an error or a log line',
    why: 'Both are shown to everybody who may see a run, and sent along with bug reports.',
    hint: 'The guards take out what is marked with `secret()`, as a last resort; a session’s token they do not know.',
    live: true,
    check: async (bench) => {
      await provoke(bench);
      await requireClean(
        bench,
        bench.stage.transcript.texts.filter(({ where }) => !where.startsWith('an answer')),
      );
    },
  },
  {
    id: 'C7.2',
    title: 'no secret in what is stored: ids, names, addresses, `providerData`, shared parts',
    why: 'They lie in the database unsealed, and in every catalog that is published.',
    hint: 'Keep in `providerData` and `shared` what names a thing, and look the rest up.',
    live: true,
    check: async (bench) => {
      await bench.backend();
      const offers = (await bench.stage.offers()).slice(0, 5_000);
      const answers = bench.stage.transcript.texts.filter(({ where }) => where.startsWith('an answer'));
      await requireClean(bench, [
        ...answers,
        { where: 'the offers', text: JSON.stringify(offers) },
        { where: 'shared parts', text: JSON.stringify([...bench.stage.shared]) },
      ]);
    },
  },
  {
    id: 'C7.3',
    title: 'no secret in a URL, and none in a name or tag of a machine',
    why: 'URLs end up in the logs of every proxy; names and tags are for all who may look into the account.',
    hint: 'Send keys in a header or a body.',
    check: async (bench) => {
      await bench.backend();
      const urls = bench.stage.options.proxies.flatMap(({ seen }) => seen.map(({ path }) => path));
      const machines = await bench.fake.machines();
      await requireClean(bench, [
        { where: 'a URL', text: urls.join('\n') },
        { where: 'names and tags of machines', text: JSON.stringify(machines) },
      ]);
    },
  },
];

/** Says and throws what it can, for those who run this check alone. */
async function provoke(bench: Bench): Promise<void> {
  const { fake } = bench.stage.options;
  for (const account of FAKE_ACCOUNTS) {
    const entry = fake?.entry(account) ?? null;
    if (entry !== null && account !== 'good') await bench.stage.configure(entry).catch(() => {});
  }
  const { request, ref } = await bench.running();
  const offer = { ...request.offer, instanceType: 'berth-no-such-type' };
  await bench.create(await bench.request({ offer })).catch(() => {});
  await bench.terminate(ref);
}

async function requireClean(
  bench: Bench,
  texts: readonly { readonly where: string; readonly text: string }[],
): Promise<void> {
  const { stage } = bench;
  const { definition, fake, live } = stage.options;
  const secrets: unknown[] = [stage.registryPassword];
  for (const account of FAKE_ACCOUNTS) {
    const entry = live !== null ? (account === 'good' ? live.entry : null) : (fake?.entry(account) ?? null);
    if (entry === null) continue;
    const parsed = await parseBackendEntry(definition, entry).catch(() => null);
    secrets.push(...secretsOf(entry.credentials.value, parsed?.credentials));
  }
  if (texts.length === 0) skip('nothing was said');
  const redactor = redactorFor(...secrets);
  const told = texts.filter(({ text }) => redactor.text(text) !== text);
  const where = [...new Set(told.map((one) => one.where))];
  const [first] = told;
  // The report itself must not tell it.
  const line = first === undefined ? '' : redactor.text(first.text).slice(0, 200);
  expect(told.length === 0, 'no secret', `one in ${where.join(', ')}: ${line}`);
}
