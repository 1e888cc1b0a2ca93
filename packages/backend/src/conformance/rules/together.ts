/** C24 to C28: what machines share, and machines that are made together. */
import { isDeepStrictEqual } from 'node:util';
import type { CloudInstance, CreateRequest } from '../../contract.ts';
import { machineName, ownerTags } from '../../machine-name.ts';
import type { Bench } from '../bench.ts';
import { expect, type Rule, skip } from '../rule.ts';

export const togetherRules: readonly Rule[] = [
  {
    id: 'C24.1',
    title: 'the same token again is the same placement group, and `list` shows it',
    why: 'A group that is made twice is left behind once.',
    hint: 'Name it by its token.',
    appliesTo: 'placement',
    check: async (bench) => {
      const placement = await bench.facet('placement');
      const request = await groupRequest(bench);
      const first = await placement.create(request, bench.call());
      const second = await placement.create(request, bench.call());
      expect(second.cloudId === first.cloudId, first.cloudId, second.cloudId);
      const own = (await placement.list(bench.call())).filter(({ token }) => token === request.token);
      expect(own.length === 1 && own[0]?.cloudId === first.cloudId, 'it once', `${own.length} times`);
      await placement.delete({ cloudId: first.cloudId, region: request.region }, bench.call());
    },
  },
  {
    id: 'C24.2',
    title: 'deleting a missing group is success',
    why: 'It is repeated when its outcome is not known.',
    hint: 'Take “not found” for success.',
    appliesTo: 'placement',
    check: async (bench) => {
      const placement = await bench.facet('placement');
      const request = await groupRequest(bench);
      const { cloudId } = await placement.create(request, bench.call());
      await placement.delete({ cloudId, region: request.region }, bench.call());
      await placement.delete({ cloudId, region: request.region }, bench.call());
      const left = (await placement.list(bench.call())).filter((one) => one.cloudId === cloudId);
      expect(left.length === 0, 'no group', 'one');
    },
  },
  {
    id: 'C24.3',
    title: 'deleting a group in use is `transient`',
    why: 'It is asked again when its machines are gone.',
    hint: 'Map the cloud’s “in use” to `transient`.',
    appliesTo: 'placement',
    check: async (bench) => {
      const placement = await bench.facet('placement');
      const request = await groupRequest(bench);
      const { cloudId } = await placement.create(request, bench.call());
      const inside = await bench.request({
        offer: await bench.offer(({ region }) => region === request.region, `offer in ${request.region}`),
        placementGroup: cloudId,
      });
      const made = await bench.create(inside);
      const group = { cloudId, region: request.region };
      const error = await bench.refusal('deleting it', () => placement.delete(group, bench.call()));
      expect(error.code === 'transient', 'code `transient`', `${error.code}: ${error.message}`);
      await bench.terminate(bench.refOf(inside, made));
      await bench.untilGone(inside);
      await placement.delete(group, bench.call());
    },
  },
  {
    id: 'C25.1',
    title: 'a group is made whole, in order, each machine by its own token',
    why: 'Ranks of a job are told by the order.',
    hint: 'Match the cloud’s answer to the requests by token, not by its order.',
    appliesTo: 'group',
    check: async (bench) => {
      const group = await bench.facet('group');
      const requests = await groupOf(bench, Math.min(3, group.max));
      const made = await group.create(requests, bench.call());
      await book(bench, requests, made);
      const tokens = requests.map(({ token }) => token);
      expect(
        isDeepStrictEqual(
          made.map(({ token }) => token),
          tokens,
        ),
        tokens.join(', '),
        made.map(({ token }) => token).join(', '),
      );
      const again = await group.create(requests, bench.call());
      const same = isDeepStrictEqual(
        again.map(({ cloudId }) => cloudId),
        made.map(({ cloudId }) => cloudId),
      );
      expect(same, 'the same machines again', again.map(({ cloudId }) => cloudId).join(', '));
    },
  },
  {
    id: 'C25.2',
    title: 'of a group that cannot be had whole, nothing is left that `list` does not show',
    why: 'Half a group does no work and costs half the price.',
    hint: 'Terminate what was made before the error is thrown.',
    appliesTo: 'group',
    check: async (bench) => {
      const group = await bench.facet('group');
      if (group.max < 3) skip('a group has less than three machines');
      const requests = await groupOf(bench, 3);
      await bench.situation({ kind: 'group-partial', machines: 2 });
      await bench.refusal('a group that is larger than the stock', () => group.create(requests, bench.call()));
      await accountedFor(bench, requests);
    },
  },
  {
    id: 'C25.3',
    title: 'of a group that broke off in the middle, every machine is found by `list`',
    why: 'A machine without tags is nobody’s, and is billed for ever.',
    hint: 'Set name and tags in the request that creates.',
    appliesTo: 'group',
    check: async (bench) => {
      const group = await bench.facet('group');
      if (group.max < 2) skip('a group has one machine');
      const requests = await groupOf(bench, 2);
      await bench.fault('group.create', { kind: 'lost-answer' });
      await group.create(requests, bench.call()).catch((error: unknown) => bench.did(`it failed: ${String(error)}`));
      bench.requireMet();
      await accountedFor(bench, requests);
    },
  },
  {
    id: 'C26.1',
    title: '`ensure` finds what is there, also when two servers ask at once',
    why: 'A network for each start of a server ends at the account’s limit.',
    hint: 'Name shared parts by installation and region, and look for the name first.',
    appliesTo: 'bootstrap',
    check: async (bench) => {
      const bootstrap = await bench.facet('bootstrap');
      const { region } = await bench.offer();
      const first = await bootstrap.ensure(region, bench.call());
      const count = async (): Promise<number | null> => (await bench.stage.options.fake?.shared?.all())?.length ?? null;
      const before = await count();
      const both = await Promise.all([bootstrap.ensure(region, bench.call()), bootstrap.ensure(region, bench.call())]);
      for (const again of both) expect(isDeepStrictEqual(again, first), JSON.stringify(first), JSON.stringify(again));
      expect((await count()) === before, `${before} parts`, `${await count()}`);
      const plain = isDeepStrictEqual(JSON.parse(JSON.stringify(first)), first);
      expect(plain, 'plain data, which can be stored', 'something else');
    },
  },
  {
    id: 'C26.2',
    title: '`remove` of what is still in use is `transient`, and waits for nothing',
    why: 'A network that cannot go before its machines do must not be waited on from inside one of them.',
    hint: 'Ask once, map “in use” to `transient`, and return.',
    appliesTo: 'bootstrap',
    check: async (bench) => {
      const bootstrap = await bench.facet('bootstrap');
      if (bootstrap.whenUnused === 'keep') skip('its parts are left on purpose');
      const { request, ref } = await bench.running();
      const { region } = request.offer;
      const shared = request.shared ?? (await bootstrap.ensure(region, bench.call()));
      const began = Date.now();
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(), 3_000);
      const error = await bench.refusal('`remove` while a machine is there', () =>
        bootstrap.remove(region, shared, bench.call(controller.signal)),
      );
      clearTimeout(timer);
      expect(Date.now() - began < 3_000, 'an answer at once', 'it waited');
      expect(error.code === 'transient', 'code `transient`', `${error.code}: ${error.message}`);
      await bench.terminate(ref);
      await bench.untilGone(request);
    },
  },
  {
    id: 'C26.3',
    title: '`remove` takes away what `ensure` made, and twice is success',
    why: 'Most clouds allow a handful of networks, and some charge for them.',
    hint: 'Take “not found” for success.',
    appliesTo: 'bootstrap',
    check: async (bench) => {
      const bootstrap = await bench.facet('bootstrap');
      if (bootstrap.whenUnused === 'keep') skip('its parts are left on purpose');
      const { region } = await bench.offer();
      const before = (await bench.fake.shared?.all()) ?? skip('the fake does not tell its shared parts');
      const known = bench.stage.shared.get(region);
      const shared = known ?? (await bootstrap.ensure(region, bench.call()));
      bench.stage.shared.delete(region);
      await bootstrap.remove(region, shared, bench.call());
      await bootstrap.remove(region, shared, bench.call());
      const after = (await bench.fake.shared?.all()) ?? [];
      const most = known === undefined ? before.length : before.length - 1;
      expect(after.length <= most, `at most ${most} shared parts`, `${after.length}`);
    },
  },
  {
    id: 'C27.1',
    title: 'reservations are listed as the account has them',
    why: 'Planning takes what is paid for first.',
    hint: '`free` is what can be had now.',
    appliesTo: 'reservations',
    check: async (bench) => {
      const facet = await bench.facet('reservations');
      const { offer, id } = await reserved(bench);
      const told = (await facet.list(bench.call())).find(({ cloudId }) => cloudId === id);
      const right =
        told?.instanceType === offer.instanceType &&
        told.region === offer.region &&
        told.total === 1 &&
        told.free === 1;
      expect(right, `one ${offer.instanceType} in ${offer.region}, free`, JSON.stringify(told));
    },
  },
  {
    id: 'C27.2',
    title: 'a `create` that names a reservation uses it, or is refused',
    why: 'Else what is paid for lies idle, and the machine is paid again.',
    hint: 'Hand `request.reservation` to the cloud; never leave it out.',
    appliesTo: 'reservations',
    check: async (bench) => {
      const facet = await bench.facet('reservations');
      const { offer, id } = await reserved(bench);
      await bench.create(await bench.request({ offer, reservation: id }));
      const told = (await facet.list(bench.call())).find(({ cloudId }) => cloudId === id);
      expect(told?.free === 0, 'no place left in it', `${told?.free}`);
      const more = await bench.request({ offer, reservation: id });
      await bench.refusal('a second machine in a reservation for one', () => bench.create(more));
      const strange = await bench.request({ offer, reservation: `${id}0` });
      await bench.refusal('a reservation that is none', () => bench.create(strange));
    },
  },
  {
    id: 'C28.1',
    title: 'the image that is resolved exists in the region and fits the architecture',
    why: 'Found out at `create`, it is a refusal that looks like a defect of the cloud.',
    hint: 'Images have another id in each region; look them up by name.',
    appliesTo: 'images',
    check: async (bench) => {
      const facet = await bench.facet('images');
      const offers = await bench.stage.offers();
      const find = bench.fake.images?.find ?? skip('the fake does not tell its images');
      for (const region of new Set(offers.map((offer) => offer.region))) {
        for (const cpuArch of new Set(offers.map(({ resources }) => resources.cpuArch))) {
          const { cloudId, user } = await facet.resolve({ region, cpuArch, accelerators: false }, bench.call());
          const image = await find(cloudId, region);
          expect(image !== null, `an image in ${region}`, `${cloudId}, which is not there`);
          expect(image.cpuArch === cpuArch, `one for ${cpuArch}`, image.cpuArch);
          expect(user !== '', 'the user to log in as', 'none');
        }
      }
    },
  },
];

async function groupRequest(bench: Bench) {
  const { installation } = bench.stage;
  const { region } = await bench.offer();
  const token = bench.stage.newToken();
  const name = machineName(installation, token);
  bench.did(`create a placement group ${name} in ${region}`);
  return { token, name, tags: ownerTags({ installation, token, instance: '' }), region };
}

async function groupOf(bench: Bench, count: number): Promise<readonly CreateRequest[]> {
  const requests: CreateRequest[] = [];
  for (let n = 0; n < count; n++) requests.push(await bench.request());
  await bench.expectMachines(requests);
  bench.did(`create a group of ${count}`);
  return requests;
}

async function book(bench: Bench, requests: readonly CreateRequest[], made: readonly CloudInstance[]): Promise<void> {
  for (const [index, request] of requests.entries()) {
    const machine = made[index];
    if (machine !== undefined) await bench.book(request, machine);
  }
}

/** Whatever is billed is listed, or goes. */
async function accountedFor(bench: Bench, requests: readonly CreateRequest[]): Promise<void> {
  await bench.until(
    'everything that is billed to be in `list`',
    async () => {
      const listed = new Set((await bench.list()).map(({ cloudId }) => cloudId));
      const billed = (await bench.truth()).filter(({ billed: costs, cloudId }) => costs && !bench.planted.has(cloudId));
      return billed.every(({ cloudId }) => listed.has(cloudId)) ? true : null;
    },
    2_000,
  );
  const ours = await Promise.all(requests.map((request) => bench.billed(request)));
  expect(
    ours.every(({ length }) => length <= 1),
    'at most one machine of each token',
    'more',
  );
}

async function reserved(bench: Bench) {
  const plant = bench.fake.reservations?.plant ?? skip('the fake plants no reservations');
  const offer = await bench.offer(({ capacityType }) => capacityType !== 'spot', 'offer on demand');
  return { offer, id: await plant(offer, 1) };
}
