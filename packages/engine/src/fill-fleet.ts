/** Makes the machines that a fleet lacks, or writes down why it cannot and when it is tried again. */
import type { FleetId, Millis, Offer } from '@berth/core';
import { matcher } from '@berth/core/match';
import { compareOffers, isChoosable } from '@berth/core/rank';
import type { FleetRow, InstanceRow } from '@berth/store';
import type { Books } from './books.ts';
import type { Breakers } from './breaker.ts';
import { wantedNodes } from './decide-fleet.ts';
import { gatherOffers } from './gather-offers.ts';
import { heldOffers, showHeld } from './held-offers.ts';
import { addInstance } from './new-instance.ts';
import type { EnginePorts } from './ports.ts';
import { backoff, FLEET_BACKOFF } from './timing.ts';

/** An offer whose machine failed is tried after all others for this long: twice the longest wait between tries. */
const FAILURE_MEMORY_MS = 2 * FLEET_BACKOFF.maxMs;
/** Of how many of the machines that ended last the end is looked at. */
const REMEMBERED = 50;

export async function fillFleet(
  books: Books,
  ports: Pick<EnginePorts, 'clock' | 'random' | 'backends' | 'sealer'>,
  breakers: Breakers,
  fleetId: FleetId,
  signal: AbortSignal,
): Promise<void> {
  const fleet = await books.store.read.fleets.get(fleetId);
  if (fleet?.status !== 'active') return;
  const gathered = await gatherOffers(ports, fleet.projectId, fleet.spec.requirements);
  signal.throwIfAborted();
  await books.write(null, async (tx) => {
    const fresh = await tx.read.fleets.get(fleetId);
    if (fresh?.status !== 'active') return;
    const staying = await tx.read.instances.find({
      where: { fleetId, status: { in: ['pending', 'provisioning', 'idle', 'busy'] } },
    });
    const missing = wantedNodes(fresh) - staying.length;
    if (missing <= 0) return;
    const ended = await tx.read.instances.find({
      where: { fleetId, status: 'terminated' },
      orderBy: ['id', 'desc'],
      limit: REMEMBERED,
    });
    const now = ports.clock.now();
    const failedSince = ended.filter((row) => (row.terminatedAt ?? 0) > now - FAILURE_MEMORY_MS);
    const held = await heldOffers(tx.read, breakers, fresh.projectId, now);
    const shown = showHeld(gathered, held);
    const offer = choose(fresh, shown.offers, staying, failedSince);
    const attempts = fresh.attempts + 1;
    // Also after success: should these machines fail, the next try waits.
    const nextAttemptAt = now + backoff(FLEET_BACKOFF, attempts);
    if (offer === null) {
      const failed = shown.sources.filter((source) => source.message !== null).map((s) => `${s.backend}: ${s.message}`);
      const message = ['No offer that fits is to be had now', ...failed].join('; ');
      await tx.change('fleets', fresh, { attempts, nextAttemptAt, message });
      return;
    }
    await tx.change('fleets', fresh, { attempts, nextAttemptAt, message: null });
    for (let i = 0; i < missing; i++) {
      await addInstance(tx, ports, {
        project: fresh.projectId,
        fleet: fleetId,
        offer,
        idleDurationMs: fresh.spec.idleDurationMs,
        label: fresh.name,
        busyBlocks: 0,
      });
    }
  });
}

/** The cheapest that fits; one whose machines have failed lately only after all others, longest ago first. */
function choose(
  fleet: FleetRow,
  offers: readonly Offer[],
  staying: readonly InstanceRow[],
  ended: readonly InstanceRow[],
): Offer | null {
  const failedAt = new Map<string, Millis>();
  for (const row of ended) {
    if (row.endReason !== 'create-failed' && row.endReason !== 'provisioning-timeout') continue;
    failedAt.set(row.offer.id, Math.max(failedAt.get(row.offer.id) ?? 0, row.terminatedAt ?? 0));
  }
  const misfit = matcher(fleet.spec.requirements);
  // The instances of a cluster reach each other, so they share backend and region.
  const site = fleet.spec.placement === 'cluster' ? staying[0] : undefined;
  const [best] = offers
    .filter((offer) => misfit(offer) === null && isChoosable(offer.availability))
    .filter((offer) => site === undefined || (offer.backend === site.backend && offer.region === site.region))
    .sort((a, b) => (failedAt.get(a.id) ?? 0) - (failedAt.get(b.id) ?? 0) || compareOffers(a, b));
  return best ?? null;
}
