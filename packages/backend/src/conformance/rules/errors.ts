/** C6: a refusal says what it means, so that failover need not read its words. */
import type { BackendError } from '../../backend-error.ts';
import { expect, type Rule, skip } from '../rule.ts';

const WHY =
  'The engine avoids exactly what an error names: a stock-out that comes as `unknown` is waited for instead of passed by.';

export const errorRules: readonly Rule[] = [
  {
    id: 'C6.1',
    title: 'out of stock is `no-capacity`, of this offer’s zone, region or type',
    why: WHY,
    hint: 'Map the cloud’s own code for it; scope `zone` or `region` where the next one may still have it.',
    check: async (bench) => {
      const request = await bench.request();
      await bench.situation({ kind: 'no-capacity', offer: request.offer });
      const error = await bench.refusal('`create` of what is out of stock', () => bench.create(request));
      requireCode(error, 'no-capacity', ['zone', 'region', 'type']);
      expect((await bench.billed(request)).length === 0, 'no machine', 'one');
    },
  },
  {
    id: 'C6.2',
    title: 'a limit of the account is `quota`',
    why: WHY,
    hint: 'Scope `account`, or `region` where the limit is one of the region.',
    check: async (bench) => {
      const request = await bench.request();
      await bench.situation({ kind: 'quota' });
      const error = await bench.refusal('`create` above the quota', () => bench.create(request));
      requireCode(error, 'quota', ['region', 'type', 'account']);
      expect((await bench.billed(request)).length === 0, 'no machine', 'one');
    },
  },
  {
    id: 'C6.3',
    title: 'credentials that stop working are `auth`, of the account, in every call',
    why: 'A `list` that is empty because nobody may look would write off every machine of the account.',
    hint: '`context.http` maps 401 and 403 to `auth`; do not take them for an empty answer.',
    check: async (bench) => {
      const { request, ref } = await bench.running();
      await bench.situation({ kind: 'credentials-lost' });
      requireCode(await bench.refusal('`list`', () => bench.list()), 'auth', ['account', 'cloud']);
      requireCode(await bench.refusal('`terminate`', () => bench.terminate(ref)), 'auth', ['account', 'cloud']);
      const another = await bench.request({ offer: request.offer });
      requireCode(await bench.refusal('`create`', () => bench.create(another)), 'auth', ['account', 'cloud']);
    },
  },
  {
    id: 'C6.4',
    title: 'a missing right is `auth`',
    why: 'A read-only key passes every look and fails at the first machine; the user must read which right is missing.',
    hint: '403 for a right is `auth`, 403 for a limit is `quota`: tell them apart by the cloud’s code.',
    check: async (bench) => {
      const entry = bench.fake.entry('read-only') ?? skip('the fake has no account that may only look');
      const request = await bench.request();
      bench.did('configure with credentials that may only look');
      const backend = await bench.stage.configure(entry).catch((error: unknown) => error as BackendError);
      if (backend instanceof Error) return requireCode(backend, 'auth', ['account', 'cloud']);
      const error = await bench.refusal('`create` with credentials that may only look', () =>
        bench.create(request, backend),
      );
      requireCode(error, 'auth', ['account', 'cloud']);
      expect((await bench.billed(request)).length === 0, 'no machine', 'one');
    },
  },
  {
    id: 'C6.5',
    title: 'a type that the cloud does not have is refused for good',
    why: 'Price lists outlive types. As `unknown` or `transient` it would be asked for again and again.',
    hint: '`config`, or `no-capacity` where the cloud does not tell the two apart.',
    live: true,
    check: async (bench) => {
      const offer = await bench.offer();
      const request = await bench.request({ offer: { ...offer, instanceType: 'berth-no-such-type' } });
      const error = await bench.refusal('`create` of a type that is none', () => bench.create(request));
      const { code, message } = error;
      expect(code === 'config' || code === 'no-capacity', 'code `config` or `no-capacity`', `${code}: ${message}`);
    },
  },
  {
    id: 'C6.6',
    title: 'a failed `list` throws, and never tells of fewer machines',
    why: 'Half a list makes the engine believe that the other half is gone.',
    hint: 'Throw when any region or page could not be read.',
    check: async (bench) => {
      const { request } = await bench.running();
      await bench.fault('list', { kind: 'garbage' });
      const listed = await bench.list().catch((error: unknown) => error);
      bench.requireMet();
      if (listed instanceof Error) return;
      const all = listed as readonly { readonly token: string | null }[]; // what `list` returned
      expect(
        all.some(({ token }) => token === request.token),
        'an error, or the whole list',
        'a list without it',
      );
    },
  },
];

function requireCode(error: BackendError, code: string, scopes: readonly string[]): void {
  expect(error.code === code, `code \`${code}\``, `${error.code}: ${error.message}`);
  expect(scopes.includes(error.scope), `scope ${scopes.join(' or ')}`, error.scope);
}
