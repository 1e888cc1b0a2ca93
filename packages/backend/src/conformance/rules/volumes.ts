/** C23: disks that outlive machines. */
import { BackendError } from '../../backend-error.ts';
import type { CloudVolume, VolumeRequest, VolumesFacet } from '../../contract.ts';
import { machineName, ownerTags } from '../../machine-name.ts';
import type { Bench } from '../bench.ts';
import { expect, type Rule, skip } from '../rule.ts';

const SIZE_MIB = 10 * 1024;

export const volumeRules: readonly Rule[] = [
  volumeRule('C23.1', 'the same token again is the same volume, and `list` shows it', async (bench, volumes) => {
    const request = await volumeRequest(bench);
    const first = await volumes.create(request, bench.call());
    const second = await volumes.create(request, bench.call());
    expect(second.cloudId === first.cloudId, first.cloudId, second.cloudId);
    const told = await available(bench, volumes, first);
    expect(told.token === request.token, `token ${request.token}`, `${told.token}`);
    expect(told.sizeMiB >= SIZE_MIB, `${SIZE_MIB} MiB`, `${told.sizeMiB} MiB`);
  }),
  volumeRule(
    'C23.2',
    'a `create` whose answer was lost can be repeated, and makes one volume',
    async (bench, volumes) => {
      const request = await volumeRequest(bench);
      await bench.fault('volumes.create', { kind: 'lost-answer' });
      await volumes.create(request, bench.call()).catch((error: unknown) => bench.did(`it failed: ${String(error)}`));
      bench.requireMet();
      await volumes.create(request, bench.call());
      const own = (await volumes.list(bench.call())).filter(({ token }) => token === request.token);
      expect(own.length === 1, 'one volume', `${own.length}`);
    },
  ),
  volumeRule('C23.3', 'a volume is attached to one machine, and says to which', async (bench, volumes) => {
    const { volume, ref } = await attached(bench, volumes);
    const told = (await volumes.list(bench.call())).find(({ cloudId }) => cloudId === volume.cloudId);
    expect(told?.attachedTo === ref.cloudId, `attached to ${ref.cloudId}`, `${told?.attachedTo}`);
    const other = await bench.running(await bench.request({ offer: await offerIn(bench, volume) }));
    await bench.refusal('a second machine', () => volumes.attach(volume, other.ref, bench.call()));
  }),
  volumeRule(
    'C23.4',
    'attaching again tells the same device; detaching what is not attached is success',
    async (bench, volumes) => {
      const { volume, ref, device } = await attached(bench, volumes);
      const again = await volumes.attach(volume, ref, bench.call());
      expect(again.device === device, device, again.device);
      await volumes.detach(volume, ref, { force: false }, bench.call());
      await volumes.detach(volume, ref, { force: true }, bench.call());
    },
  ),
  volumeRule('C23.5', 'deleting an attached volume is refused as `config`', async (bench, volumes) => {
    const { volume } = await attached(bench, volumes);
    const error = await bench.refusal('deleting it', () => volumes.delete(volume, bench.call()));
    expect(error.code === 'config', 'code `config`', `${error.code}: ${error.message}`);
  }),
  volumeRule('C23.6', 'deleting a missing volume is success', async (bench, volumes) => {
    const volume = await volumes.create(await volumeRequest(bench), bench.call());
    await available(bench, volumes, volume);
    await volumes.delete(volume, bench.call());
    await volumes.delete(volume, bench.call());
    const left = (await volumes.list(bench.call())).filter(
      (one) => one.cloudId === volume.cloudId && one.state !== 'deleting',
    );
    expect(left.length === 0, 'no volume', `${left.length}`);
  }),
  volumeRule('C23.7', 'a volume outlives the machine that it was attached to', async (bench, volumes) => {
    const { volume, ref, request } = await attached(bench, volumes);
    await bench.terminate(ref);
    await bench.untilGone(request);
    await available(bench, volumes, volume);
  }),
  volumeRule(
    'C23.8',
    'one that is registered is found, is not listed as ours, and is not deleted',
    async (bench, volumes) => {
      const all = bench.fake.volumes ?? skip('the fake plants no volumes of others');
      const { region } = await bench.offer();
      const cloudId = await all.plant(region, SIZE_MIB);
      const told = await volumes.register(cloudId, region, bench.call());
      expect(told.cloudId === cloudId && told.token === null, `${cloudId}, without a token`, JSON.stringify(told));
      const listed = (await volumes.list(bench.call())).some((one) => one.cloudId === cloudId);
      expect(!listed, 'ours alone in `list`', cloudId);
      await volumes.delete(told, bench.call()).catch(() => {}); // refusing is right as well
      expect((await all.all()).includes(cloudId), 'it to be there still', 'it was deleted');
    },
  ),
  volumeRule('C23.9', 'registering a missing volume is `not-found`', async (bench, volumes) => {
    const { region } = await bench.offer();
    const volume = await volumes.create(await volumeRequest(bench), bench.call());
    await available(bench, volumes, volume);
    await volumes.delete(volume, bench.call());
    const error = await bench.refusal('registering it', () => volumes.register(volume.cloudId, region, bench.call()));
    expect(error.code === 'not-found', 'code `not-found`', `${error.code}: ${error.message}`);
  }),
];

/** Deletes in the end every volume of ours that is still there. */
function volumeRule(id: string, title: string, check: (bench: Bench, volumes: VolumesFacet) => Promise<void>): Rule {
  return {
    id,
    title,
    why: 'A volume holds what users cannot make again, and costs money while nobody looks.',
    hint: 'See C23 in the contract.',
    appliesTo: 'volumes',
    check: async (bench) => {
      const volumes = await bench.facet('volumes');
      try {
        await check(bench, volumes);
      } finally {
        await bench.calm();
        await removeAll(bench, volumes);
      }
    },
  };
}

async function removeAll(bench: Bench, volumes: VolumesFacet): Promise<void> {
  for (const volume of await volumes.list(bench.call()).catch(() => [])) {
    const ref = {
      cloudId: volume.attachedTo ?? '',
      token: volume.token ?? '',
      region: volume.region,
      zone: volume.zone,
    };
    if (volume.attachedTo !== null) await volumes.detach(volume, ref, { force: true }, bench.call()).catch(() => {});
    await volumes.delete(volume, bench.call()).catch(() => {});
  }
}

async function volumeRequest(bench: Bench): Promise<VolumeRequest> {
  const { installation } = bench.stage;
  const { region, zone } = await bench.offer();
  const token = bench.stage.newToken();
  const name = machineName(installation, token);
  bench.did(`create a volume ${name} in ${region}`);
  return { token, name, tags: ownerTags({ installation, token, instance: '' }), region, zone, sizeMiB: SIZE_MIB };
}

async function available(bench: Bench, volumes: VolumesFacet, volume: CloudVolume): Promise<CloudVolume> {
  return await bench.until(`\`list\` to show ${volume.cloudId} as available`, async () => {
    const told = (await volumes.list(bench.call())).find(({ cloudId }) => cloudId === volume.cloudId);
    return told?.state === 'available' ? told : null;
  });
}

async function offerIn(bench: Bench, { region, zone }: CloudVolume): Promise<Awaited<ReturnType<Bench['offer']>>> {
  return await bench.offer(
    (offer) => offer.region === region && (zone === null || offer.zone === zone),
    `offer in ${region}`,
  );
}

async function attached(bench: Bench, volumes: VolumesFacet) {
  const volume = await volumes.create(await volumeRequest(bench), bench.call());
  await available(bench, volumes, volume);
  const { request, ref } = await bench.running(await bench.request({ offer: await offerIn(bench, volume) }));
  bench.did(`attach ${volume.cloudId} to ${ref.cloudId}`);
  const { device } = await bench.until('it to be attached', async () => {
    try {
      return await volumes.attach(volume, ref, bench.call());
    } catch (error) {
      if (error instanceof BackendError && error.code === 'transient') return null;
      throw error;
    }
  });
  expect(device.startsWith('/'), 'a device or a path', device);
  return { volume, ref, request, device };
}
