import type { FleetId, InstanceId, Offer, ProjectId } from '@berth/core';
import { newId, Secret } from '@berth/core';
import type { Insert, InstanceRow } from '@berth/store';
import type { Tx } from './books.ts';
import { createIntent } from './decide-instance.ts';
import type { EnginePorts } from './ports.ts';

/** A new machine on the books, with the intent to create it. Nothing has been asked of the cloud yet. */
export async function addInstance(
  tx: Tx,
  ports: Pick<EnginePorts, 'clock' | 'random' | 'sealer'>,
  what: {
    readonly project: ProjectId;
    readonly fleet: FleetId | null;
    readonly offer: Offer;
    readonly idleDurationMs: number | null;
    readonly label: string;
    readonly busyBlocks: number;
    /** The instance beside which it is made. */
    readonly hedgeOf?: InstanceId;
  },
): Promise<InstanceRow> {
  const now = ports.clock.now();
  const id = newId<'InstanceId'>(now, ports.random);
  const { offer } = what;
  const row: Insert<InstanceRow> = {
    id,
    projectId: what.project,
    fleetId: what.fleet,
    name: `${what.label}-${id.slice(-6)}`,
    status: 'pending',
    endReason: null,
    message: null,
    backend: offer.backend,
    region: offer.region,
    zone: offer.zone,
    instanceType: offer.instanceType,
    capacityType: offer.capacityType,
    pricePerHour: offer.pricePerHour,
    resources: offer.resources,
    offer,
    token: id,
    cloudId: null,
    address: null,
    internalIp: null,
    gpuDevices: [],
    agentSecret: ports.sealer.seal(new Secret(Buffer.from(ports.random(32)).toString('base64url'))),
    totalBlocks: 1,
    busyBlocks: what.busyBlocks,
    hedgeOf: what.hedgeOf ?? null,
    idleDurationMs: what.idleDurationMs,
    createdAt: now,
    readyAt: null,
    idleSince: null,
    unreachableSince: null,
    terminationRequestedAt: null,
    terminatedAt: null,
    agentEventSeq: 0,
    agentBootId: null,
  };
  const added = await tx.add('instances', row);
  await tx.add('intents', { ...createIntent(added, now), id: newId<'IntentId'>(now, ports.random) });
  return added;
}
