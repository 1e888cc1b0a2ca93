/** Makes the machines that a fleet lacks, or writes down why it cannot and when it is tried again. */
import type { FleetId } from '@berth/core';
import { matcher } from '@berth/core/match';
import { compareOffers, isChoosable } from '@berth/core/rank';
import type { Books } from './books.ts';
import { gatherOffers } from './gather-offers.ts';
import { addInstance } from './place-run.ts';
import type { EnginePorts } from './ports.ts';
import { backoff, FLEET_BACKOFF } from './timing.ts';

export async function fillFleet(
  books: Books,
  ports: Pick<EnginePorts, 'clock' | 'random' | 'backends' | 'sealer'>,
  fleetId: FleetId,
  missing: number,
): Promise<void> {
  const fleet = await books.store.read.fleets.get(fleetId);
  if (fleet?.status !== 'active') return;
  const gathered = await gatherOffers(ports, fleet.projectId, fleet.spec.requirements);
  const misfit = matcher(fleet.spec.requirements);
  const [offer] = gathered.offers
    .filter((candidate) => misfit(candidate) === null && isChoosable(candidate.availability))
    .sort(compareOffers);
  await books.write(null, async (tx) => {
    const fresh = await tx.read.fleets.get(fleetId);
    if (fresh?.status !== 'active') return;
    const now = ports.clock.now();
    const attempts = fresh.attempts + 1;
    // Also after success: should these machines fail, the next try waits.
    const nextAttemptAt = now + backoff(FLEET_BACKOFF, attempts);
    if (offer === undefined) {
      const failed = gathered.sources
        .filter((source) => source.message !== null)
        .map((s) => `${s.backend}: ${s.message}`);
      const message = ['No offer that fits is to be had now', ...failed].join('; ');
      await tx.change('fleets', fresh, { attempts, nextAttemptAt, message });
      return;
    }
    await tx.change('fleets', fresh, { attempts, nextAttemptAt, message: null });
    const alive = await tx.read.instances.count({
      fleetId,
      status: { in: ['pending', 'provisioning', 'idle', 'busy'] },
    });
    const { min, target } = fresh.spec.nodes;
    const wanted = fresh.filledAt === null ? Math.max(min, target) : min;
    for (let i = 0; i < Math.min(missing, wanted - alive); i++) {
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
