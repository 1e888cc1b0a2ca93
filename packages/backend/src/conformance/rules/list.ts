/** C3, C14 and C15: what is ours, all of it, and nothing else. */
import type { CloudInstance } from '../../contract.ts';
import { INSTANCE_TAG, machineName, OWNER_TAG, ownerTags, TOKEN_TAG, tokenOfName } from '../../machine-name.ts';
import type { Bench } from '../bench.ts';
import { expect, type Rule, skip } from '../rule.ts';
import { turn } from './suspend.ts';

/** More than this on one page is not worth the time. */
const MOST_MACHINES = 40;

export const listRules: readonly Rule[] = [
  {
    id: 'C3.1',
    title: '`list` shows what was created, with its token, name, region and zone',
    why: 'The engine settles what it does not know by looking here.',
    hint: 'Read the token back from the tag `berth-token`, or from the name with `tokenOfName`.',
    live: true,
    check: async (bench) => {
      const request = await bench.request();
      const { cloudId } = await bench.create(request);
      const told = await bench.until('`list` to show it', () => bench.found(request.token));
      expect(told.cloudId === cloudId, `id ${cloudId}`, told.cloudId);
      expect(told.region === request.offer.region, `region ${request.offer.region}`, told.region);
      const { zone } = request.offer;
      expect(zone === null || told.zone === zone, `zone ${zone}`, `${told.zone}`);
      expect(told.name === request.name, `name ${request.name}`, told.name);
      const times = (await bench.list()).filter((one) => one.cloudId === cloudId).length;
      expect(times === 1, 'it once', `${times} times`);
    },
  },
  {
    id: 'C3.2',
    title: '`list` shows no machine that is not ours',
    why: 'What `list` shows and no book expects is terminated: a neighbour’s machine there is a neighbour’s machine lost.',
    hint: 'Compare the owner tag and the name as a whole; clouds’ filters often match by prefix.',
    check: async (bench) => {
      const request = await bench.request();
      const machine = await bench.create(request);
      const planted = await plantNeighbours(bench, request.token);
      const listed = await bench.until('`list` to show ours', async () => {
        const all = await bench.list();
        return all.some(({ cloudId }) => cloudId === machine.cloudId) ? all : null;
      });
      const wrong = planted.filter(({ id }) => listed.some(({ cloudId }) => cloudId === id));
      expect(wrong.length === 0, 'ours alone', wrong.map(({ words }) => words).join('; '));
    },
  },
  {
    id: 'C3.3',
    title: 'ending ours ends no neighbour',
    why: 'A machine whose name begins like ours is somebody else’s work.',
    hint: 'Terminate by id, and never by a filter of names or tags.',
    check: async (bench) => {
      const request = await bench.request();
      const machine = await bench.create(request);
      const planted = await plantNeighbours(bench, request.token);
      await bench.terminate(bench.refOf(request, machine));
      await bench.untilGone(request);
      const alive = new Set((await bench.truth()).filter(({ billed }) => billed).map(({ cloudId }) => cloudId));
      const gone = planted.filter(({ id }) => !alive.has(id));
      expect(gone.length === 0, 'every neighbour alive', `gone: ${gone.map(({ words }) => words).join('; ')}`);
    },
  },
  {
    id: 'C3.4',
    title: '`list` shows all pages',
    why: 'A machine on the second page is taken for gone, and another one is made in its place.',
    hint: 'Ask for the next page until there is none.',
    check: async (bench) => {
      const size = bench.fake.pageSize ?? skip('the fake’s list has one page');
      if (size >= MOST_MACHINES) skip(`a page of the fake holds ${size} machines`);
      const requests = await Promise.all(Array.from({ length: size + 1 }, () => bench.request()));
      for (let n = 0; n < requests.length; n += 5) {
        await Promise.all(requests.slice(n, n + 5).map((request) => bench.create(request)));
      }
      await bench.until(`\`list\` to show all ${requests.length}`, async () => {
        const listed = new Set((await bench.list()).map(({ token }) => token));
        return requests.every(({ token }) => listed.has(token)) ? true : null;
      });
    },
  },
  {
    id: 'C3.5',
    title: '`list` shows all regions',
    why: 'A machine in a region that nobody asks is billed and never seen.',
    hint: 'Ask every region where machines may be made; those of the config alone are too few after the config changed.',
    live: true,
    check: async (bench) => {
      const first = await bench.offer();
      const second = await bench.offer(({ region }) => region !== first.region, 'offer in a second region');
      const requests = [await bench.request({ offer: first }), await bench.request({ offer: second })];
      for (const request of requests) await bench.create(request);
      await bench.until(`\`list\` to show both ${first.region} and ${second.region}`, async () => {
        const listed = await bench.list();
        return requests.every(({ token, offer }) => has(listed, token, offer.region)) ? true : null;
      });
    },
  },
  {
    id: 'C3.6',
    title: 'what is listed late is listed in the end',
    why: 'Many clouds list a new machine some seconds after they made it.',
    hint: 'Keep no list in memory for longer than `limits.listLagMs`.',
    check: async (bench) => {
      await bench.situation({ kind: 'list-late', ms: 400 });
      const request = await bench.request();
      await bench.create(request);
      await bench.until('`list` to show it', () => bench.found(request.token));
    },
  },
  {
    id: 'C3.7',
    title: 'one installation does not see the machines of another in the same account',
    why: 'Two servers with one account would end each other’s machines.',
    hint: 'The value of the tag `berth-installation` must be ours, letter by letter.',
    check: async (bench) => {
      const { installation } = bench.stage;
      const other = await bench.another({
        installation: `${installation.slice(0, -1)}${installation.endsWith('0') ? '1' : '0'}`,
      });
      const request = await bench.request();
      await bench.create(request);
      await bench.until('`list` to show it to us', () => bench.found(request.token));
      const seen = (await bench.list(other)).map(({ name }) => name);
      expect(seen.length === 0, 'nothing of ours', seen.join(', '));
    },
  },
  {
    id: 'C3.8',
    title: '`list` shows stopped machines',
    why: 'They cost their disk, and are to be started again.',
    hint: 'Do not filter by the cloud’s “running”.',
    appliesTo: 'suspend',
    live: true,
    check: async (bench) => {
      const { request, ref } = await bench.running();
      // It looks with `list` until that tells the state.
      await turn(bench, ref, request.token, 'stopped');
    },
  },
  {
    id: 'C14.1',
    title: 'without tags, the name is kept exactly and gives the token back',
    why: 'It is all that tells our machines from others.',
    hint: 'Send `request.name` as it is, and read it with `tokenOfName`.',
    appliesTo: 'names',
    check: async (bench) => {
      const { request, machine } = await bench.running();
      expect(machine.name === request.name, `the name ${request.name}`, machine.name);
      const token = tokenOfName(machine.name, bench.stage.installation);
      expect(token === request.token && machine.token === token, `token ${request.token}`, `${machine.token}`);
    },
  },
  {
    id: 'C15.1',
    title: 'what is billed is not told as gone',
    why: 'What is told as gone is written off the books: from then on nobody ends it.',
    hint: 'Map every state of the cloud that costs something to one other than `terminated`.',
    check: async (bench) => {
      await bench.situation({ kind: 'delete-ignored' });
      const { request, ref } = await bench.running();
      await bench.terminate(ref).catch(() => {});
      await bench.pass(100);
      const billed = (await bench.billed(request)).length > 0;
      if (!billed) skip('the fake did end it');
      const told = await bench.found(request.token);
      expect(told !== null && told.state !== 'terminated', 'a machine that is there', told?.state ?? 'no machine');
    },
  },
  {
    id: 'C15.2',
    title: 'a machine that was taken back is told as gone',
    why: 'Otherwise its jobs wait for a spot machine that is not there any more.',
    hint: 'Map the cloud’s last states to `terminated`, or leave such machines out.',
    check: async (bench) => {
      const { request, machine } = await bench.running();
      await bench.situation({ kind: 'kill', cloudId: machine.cloudId });
      await bench.until('`list` to tell that it is gone', async () => {
        const told = await bench.found(request.token);
        return told === null || told.state === 'terminated' ? true : null;
      });
    },
  },
  {
    id: 'C15.3',
    title: 'a machine on its way out is listed until it is billed no more',
    why: 'The engine counts a machine as given back when the cloud says so, and until then it asks again.',
    hint: 'Map the cloud’s “deleting” to `terminating`.',
    check: async (bench) => {
      await bench.situation({ kind: 'slow-terminate', ms: 1_500 });
      const { request, ref } = await bench.running();
      await bench.terminate(ref);
      const told = await bench.found(request.token);
      if ((await bench.billed(request)).length === 0) skip('the fake ended it at once');
      expect(told !== null && told.state !== 'terminated', 'state `terminating`', told?.state ?? 'no machine');
      await bench.untilGone(request);
    },
  },
];

function has(listed: readonly CloudInstance[], token: string, region: string): boolean {
  return listed.some((machine) => machine.token === token && machine.region === region);
}

interface Planted {
  readonly id: string;
  readonly words: string;
}

/** Machines that only look like ours: by name, by tag, by the beginning of either. */
async function plantNeighbours(bench: Bench, token: string): Promise<readonly Planted[]> {
  const { fake, stage } = bench;
  const { installation } = stage;
  const plant = fake.plant?.bind(fake) ?? skip('the fake plants no machines of others');
  const { tags } = (await bench.backend()).limits;
  const ours = ownerTags({ installation, token, instance: `i-${token}` });
  const other = installation.replace(/^./, (digit) => (digit === 'a' ? 'b' : 'a'));
  const neighbours = [
    { words: 'another installation’s', name: machineName(other, token), tags: { ...ours, [OWNER_TAG]: other } },
    {
      words: 'one whose owner tag begins like ours',
      name: 'web-1',
      tags: { ...ours, [OWNER_TAG]: `${installation}0` },
    },
    { words: 'one without tags', name: 'web-2', tags: {} },
    {
      words: 'one with our token and no owner',
      name: 'web-3',
      tags: { [TOKEN_TAG]: token, [INSTANCE_TAG]: `i-${token}` },
    },
    // Without tags the name is what makes a machine ours, and this one would be: a token may be longer.
    ...(tags
      ? [{ words: 'one whose name begins like ours', name: `${machineName(installation, token)}0`, tags: {} }]
      : []),
    { words: 'one whose name only ends in ours', name: `x${machineName(installation, token)}`, tags: {} },
    { words: 'one with our name and more', name: `${machineName(installation, token)}-2`, tags: {} },
  ];
  const planted: Planted[] = [];
  for (const { words, name, tags: theirs } of neighbours) {
    bench.did(`plant ${words}: ${name}`);
    const id = await plant({ name, tags: tags ? theirs : {} });
    bench.planted.add(id);
    planted.push({ id, words });
  }
  return planted;
}
