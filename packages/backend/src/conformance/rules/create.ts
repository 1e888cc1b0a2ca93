/** C1 and C2: making a machine, once, whatever happens on the way. */
import type { CreateRequest } from '../../contract.ts';
import { machineName, OWNER_TAG, ownerTags, TOKEN_TAG } from '../../machine-name.ts';
import type { Bench } from '../bench.ts';
import type { CallFault } from '../fake.ts';
import { expect, type Rule, skip } from '../rule.ts';

const BOOT_MS = 1_500;

export const createRules: readonly Rule[] = [
  {
    id: 'C1.1',
    title: '`create` tells what it made',
    why: 'Id, token and region are all that the engine has to find the machine again after a crash.',
    hint: 'Return what the cloud answered, with the request’s token and the offer’s region and zone.',
    live: true,
    check: async (bench) => {
      const request = await bench.request();
      const machine = await bench.create(request);
      expect(machine.cloudId !== '', 'the cloud’s id', 'an empty text');
      expect(machine.token === request.token, `token ${request.token}`, `${machine.token}`);
      expect(machine.region === request.offer.region, `region ${request.offer.region}`, machine.region);
      expect(machine.state !== 'terminated' && machine.state !== 'stopped', 'a machine that starts', machine.state);
    },
  },
  {
    id: 'C1.2',
    title: '`create` does not wait until the machine runs',
    why: 'Who waits holds a lease and a connection for minutes, and a crash meanwhile leaves a machine that nobody knows.',
    hint: 'Return as soon as the id is known; `list` tells of the address later.',
    check: async (bench) => {
      await bench.situation({ kind: 'slow-boot', ms: BOOT_MS });
      const began = Date.now();
      await bench.create();
      const took = Date.now() - began;
      expect(took < BOOT_MS, `an answer before the ${BOOT_MS} ms that the boot takes`, `${took} ms`);
    },
  },
  {
    id: 'C1.3',
    title: 'the address follows by `list`',
    why: 'Without one the agent cannot be reached, and the machine is given up after the provisioning timeout.',
    hint: 'Set `address` in `list` once the cloud tells it, of the kind that the way to start the agent asks for.',
    live: true,
    check: async (bench) => {
      const { request } = await bench.running();
      const { agentStart } = await bench.backend();
      // A container's agent dials the server itself.
      if (agentStart === 'entrypoint') skip('a container’s agent needs no address');
      const address = await bench.until('an address', async () => (await bench.found(request.token))?.address ?? null);
      const kind = agentStart === 'process' ? 'unix' : 'ssh';
      expect(address.kind === kind, `an address of kind ${kind}`, address.kind);
      if (address.kind === 'ssh') {
        const { host, port, user } = address;
        expect(host !== '' && user !== '' && port > 0 && port < 65_536, 'host, port and user', JSON.stringify(address));
      }
    },
  },
  {
    id: 'C2.1',
    title: 'the same token again is the same machine',
    why: 'After a crash the engine repeats a `create` whose answer it never saw; a second machine would be billed for ever.',
    hint: 'Hand `request.token` to the cloud as its idempotency token, or look for the token’s tag or name before making one.',
    live: true,
    check: async (bench) => {
      const request = await bench.request();
      const first = await bench.create(request);
      const second = await bench.create(request);
      expect(second.cloudId === first.cloudId, `machine ${first.cloudId} again`, second.cloudId);
      await onlyOne(bench, request);
    },
  },
  {
    id: 'C2.2',
    title: 'two calls at once with one token make one machine',
    why: 'A lease may run out while its holder still works: then two servers do the same thing at the same time.',
    hint: 'Looking first is not enough: the cloud itself must know the token, or the name must be unique there.',
    live: true,
    check: async (bench) => {
      const request = await bench.request();
      await bench.expectMachines([request]);
      bench.did(`create ${request.name} three times at once`);
      const answers = await Promise.all([bench.create(request), bench.create(request), bench.create(request)]);
      const ids = [...new Set(answers.map(({ cloudId }) => cloudId))];
      expect(ids.length === 1, 'one machine', `${ids.length}: ${ids.join(', ')}`);
      await onlyOne(bench, request);
    },
  },
  faultRule('C2.3', { kind: 'lost-answer' }, 'whose answer was lost', ['unknown']),
  faultRule('C2.4', { kind: 'reset' }, 'whose connection was cut', ['unknown', 'transient']),
  faultRule('C2.5', { kind: 'garbage' }, 'whose answer nobody understood', ['unknown']),
  faultRule('C2.6', { kind: 'truncated' }, 'whose answer broke off', ['unknown']),
  faultRule('C2.7', { kind: 'unavailable' }, 'that was refused before it was begun', ['unknown', 'transient']),
  faultRule('C2.8', { kind: 'duplicate' }, 'that the network delivered twice', ['unknown', 'config', 'transient']),
  {
    id: 'C2.9',
    title: 'the same token again is the same machine also while it is not listed yet',
    why: 'Lists of clouds lag: who looks there before making a machine makes two.',
    hint: 'Use the cloud’s idempotency token, a name that must be unique, or `context.stateDir` to remember what was made.',
    check: async (bench) => {
      await bench.situation({ kind: 'list-late', ms: 500 });
      const request = await bench.request();
      const first = await bench.create(request);
      const second = await bench.create(request);
      expect(second.cloudId === first.cloudId, `machine ${first.cloudId} again`, second.cloudId);
      await onlyOne(bench, request);
    },
  },
  {
    id: 'C2.10',
    title: 'name and tags are there from the first moment, exactly',
    why: 'A machine that gets its tags by a second call has none when that call fails, and no sweep finds it.',
    hint: 'Set name and tags in the request that creates.',
    check: async (bench) => {
      const { limits } = await bench.backend();
      const length = Math.min(32, limits.nameLength - machineName(bench.stage.installation, '').length);
      const token = bench.stage.newToken(length);
      const owner = { installation: bench.stage.installation, token, instance: `i-${token}` };
      const key = `k${'-_0'.repeat(20)}z`.slice(0, limits.tagKeyLength);
      const longest = { [key]: `v${'_-9'.repeat(20)}z`, n: '0' };
      const request = await bench.request({ token, tags: { ...ownerTags(owner), ...longest } });
      await bench.create(request);
      const [machine] = await bench.billed(request);
      expect(machine !== undefined, `a machine called ${request.name}`, 'none');
      expect(machine.name === request.name, `the name ${request.name}`, machine.name);
      if (!limits.tags) return;
      const wrong = Object.entries(request.tags).filter(([key, value]) => machine.tags[key] !== value);
      const came = wrong.map(([key]) => `${key}=${machine.tags[key] ?? '(none)'}`).join(', ');
      expect(wrong.length === 0, 'every tag as it was asked for', came);
    },
  },
  {
    id: 'C2.11',
    title: 'a token whose machine is gone is refused as `config`',
    why: 'A late repeat of an old `create` must not bring back what somebody ended.',
    hint: 'Clouds with idempotency tokens remember them for a day; else keep ended tokens in `context.stateDir`.',
    live: true,
    check: async (bench) => {
      const { request, ref } = await bench.running();
      await bench.terminate(ref);
      await bench.untilGone(request);
      const error = await bench.refusal('`create` with the token of a machine that is gone', () =>
        bench.create(request),
      );
      expect(error.code === 'config', 'code `config`', `${error.code}: ${error.message}`);
      const left = await bench.billed(request);
      expect(left.length === 0, 'no machine', `${left.length}`);
    },
  },
];

/** A `create` that meets a fault, and is repeated: there is one machine in the end, and `list` shows it. */
function faultRule(id: string, fault: CallFault, words: string, codes: readonly string[]): Rule {
  return {
    id,
    title: `a \`create\` ${words} can be repeated, and makes one machine`,
    why: 'Networks fail between the cloud’s work and its answer; the engine then looks, and asks again with the same token.',
    hint: `Let the error through as ${codes.map((code) => `\`${code}\``).join(' or ')}, or settle it inside by looking for the token.`,
    check: async (bench) => {
      const hasTags = (await bench.backend()).limits.tags;
      const request = await bench.request();
      await bench.expectMachines([request]);
      const before = new Set((await bench.truth()).map(({ cloudId }) => cloudId));
      await bench.fault('create', fault);
      const first = await bench.create(request).catch((error: unknown) => error);
      bench.requireMet();
      if (first instanceof Error) {
        const code = 'code' in first ? String(first.code) : '';
        bench.did(`it failed: ${code} ${first.message}`);
        expect(codes.includes(code), `code ${codes.join(' or ')}`, `${code}: ${first.message}`);
      }
      const made = (await bench.truth()).filter(({ billed, cloudId }) => billed && !before.has(cloudId));
      const nameless = made.filter(({ name, tags }) => name !== request.name || (hasTags && !isOurs(tags, request)));
      const words = nameless.map(({ cloudId, name }) => `${cloudId} called "${name}"`).join(', ');
      expect(nameless.length === 0, 'a machine with its name and tags from the first moment', words);
      const second = await bench.create(request);
      if (!(first instanceof Error)) {
        const { cloudId } = first as { readonly cloudId: string }; // what `create` returned
        expect(second.cloudId === cloudId, `machine ${cloudId} again`, second.cloudId);
      }
      await onlyOne(bench, request);
      await bench.until('`list` to show it', () => bench.found(request.token));
    },
  };
}

function isOurs(tags: Readonly<Record<string, string>>, request: CreateRequest): boolean {
  return tags[OWNER_TAG] === request.tags[OWNER_TAG] && tags[TOKEN_TAG] === request.token;
}

async function onlyOne(bench: Bench, request: CreateRequest): Promise<void> {
  if (bench.isLive) await bench.until('`list` to show it', () => bench.found(request.token));
  const machines = await bench.billed(request);
  expect(machines.length === 1, 'one machine that is billed', `${machines.length}`);
}
