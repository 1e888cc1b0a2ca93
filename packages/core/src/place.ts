/**
 * Decides where the nodes of one replica go: on instances that are there, or on new ones, all of them
 * or none. Pure, and independent of the order of its inputs.
 */

import { candidateOfBlocks } from './blocks.ts';
import type { InstanceId, Millis } from './ids.ts';
import { type MatchCandidate, type Matcher, matcher } from './match.ts';
import type { Misfit } from './misfit.ts';
import type { Offer, Requirements } from './offer.ts';
import { compareAvailability, compareIds, compareInstances, compareOffers, isChoosable } from './rank.ts';
import { type Refusal, Refusals, UNAVAILABLE } from './refusals.ts';

/** An instance that is ready. */
export interface PlaceableInstance extends MatchCandidate {
  readonly id: InstanceId;
  /** Name of its fleet. */
  readonly fleet: string | null;
  readonly totalBlocks: number;
  readonly busyBlocks: number;
  readonly createdAt: Millis;
  /** Null: some of its blocks are busy. */
  readonly idleSince: Millis | null;
}

export interface PlacementInput<I extends PlaceableInstance> {
  /** Each wants all of `requirements`. More than one: whole instances of one backend and region. */
  readonly nodes: number;
  readonly requirements: Requirements;
  readonly instances: readonly I[];
  /** Names of the fleets whose instances may be used; null: any. */
  readonly fleets: readonly string[] | null;
  /** Of all backends. Whoever cannot take part (a backend without what the run needs) is left out before. */
  readonly offers: readonly Offer[];
  readonly creationPolicy: 'reuse' | 'reuse-or-create';
  /** How many machines may be made, for example because a fleet is nearly full; absent: any number. */
  readonly maxNewInstances?: number;
  /** Offers that must not be tried now, whoever asks; absent: none. */
  readonly held?: (offer: Offer) => Held | null;
  /** Offer ids that failed, and until when they are not tried again. */
  readonly avoidOffers: Readonly<Record<string, Millis>>;
  readonly now: Millis;
}

/** Why an offer must not be tried, and until when. */
export interface Held {
  readonly reason: string;
  readonly until: Millis;
}

/** Node 0 is the master. */
export type Assignment<I extends PlaceableInstance = PlaceableInstance> =
  | { readonly kind: 'instance'; readonly node: number; readonly instance: I; readonly blocks: number }
  | { readonly kind: 'offer'; readonly node: number; readonly offer: Offer };

export type Placement<I extends PlaceableInstance = PlaceableInstance> =
  | {
      readonly kind: 'placed';
      /** One per node, in the order of nodes. */
      readonly assignments: readonly Assignment<I>[];
      /** US dollars for all nodes; of a shared instance, the share. */
      readonly pricePerHour: number;
    }
  | {
      readonly kind: 'none';
      /** At least one; `formatRefusals` makes a sentence of them. */
      readonly because: readonly Refusal[];
      /** When an offer that fits, and is avoided now, may be tried again. */
      readonly retryAt?: Millis;
    };

/** The part of an instance that one node would take. */
interface Seat<I> {
  readonly instance: I;
  readonly id: InstanceId;
  readonly blocks: number;
  readonly pricePerHour: number;
  readonly idleSince: Millis | null;
  readonly createdAt: Millis;
}

/** What one backend and region has for the replica; for a single node, what there is anywhere. */
interface Site<I> {
  readonly key: string;
  readonly seats: Seat<I>[];
  offer: Offer | null;
}

/**
 * Idle instances come before new ones, and of each the cheapest. Nodes that are not alone share
 * backend and region, since they must reach each other; of several such sites, the one that needs
 * the fewest new machines is taken (what stands idle is paid already), then the cheapest.
 */
export function place<I extends PlaceableInstance>(input: PlacementInput<I>): Placement<I> {
  const { nodes, requirements } = input;
  const fits = matcher(requirements);
  const sites = new Sites<I>(nodes);

  const refusedInstances = new Refusals('instances', requirements);
  for (const instance of input.instances) {
    const seat = findSeat(instance, input, fits, refusedInstances);
    if (seat !== null) sites.at(instance).seats.push(seat);
  }
  for (const site of sites.all()) site.seats.sort(compareInstances);

  // Offers are many: they are looked at only when the instances do not suffice.
  const reused = bestPlacement(sites.all(), nodes, 0);
  if (reused !== null) return reused;

  const refusedOffers = new Refusals('offers', requirements);
  const avoidOffers = new Map(Object.entries(input.avoidOffers));
  const choosable: Offer[] = [];
  let retryAt: Millis | null = null;
  for (const offer of input.offers) {
    const misfit = fits(offer);
    if (misfit !== null) {
      refusedOffers.misfit(misfit);
    } else if (!isChoosable(offer.availability)) {
      refusedOffers.other(UNAVAILABLE[offer.availability]);
    } else {
      const avoidUntil = avoidOffers.get(offer.id) ?? Number.NEGATIVE_INFINITY;
      const avoided = avoidUntil > input.now ? { reason: 'failed a short while ago', until: avoidUntil } : null;
      const held = avoided ?? input.held?.(offer) ?? null;
      if (held !== null) {
        refusedOffers.other(held.reason);
        retryAt = retryAt === null ? held.until : Math.min(retryAt, held.until);
      } else {
        choosable.push(offer);
      }
    }
  }

  const maxNew = input.creationPolicy === 'reuse' ? 0 : (input.maxNewInstances ?? Number.POSITIVE_INFINITY);
  if (maxNew > 0) {
    for (const offer of choosable) {
      const site = sites.at(offer);
      if (site.offer === null || compareOffers(offer, site.offer) < 0) site.offer = offer;
    }
  }
  const placed = bestPlacement(sites.all(), nodes, maxNew);
  if (placed !== null) return placed;

  if (choosable.length > 0) refusedOffers.other(whyNotMade(input, maxNew), choosable.length);
  const most = Math.max(0, ...[...sites.all()].map((site) => site.seats.length));
  if (most > 0) {
    const seats = [...sites.all()].reduce((sum, site) => sum + site.seats.length, 0);
    refusedInstances.other(`fit, but one backend and region has at most ${most} for ${nodes} nodes`, seats);
  }
  const because = [...refusedInstances.list(), ...refusedOffers.list()];
  if (input.offers.length === 0) because.push(NO_OFFERS);
  // Waiting helps only where a machine may be made at all.
  return { kind: 'none', because, ...(retryAt !== null && maxNew > 0 && { retryAt }) };
}

const NO_OFFERS: Refusal = { of: 'offers', count: 0, reason: 'no backend offers anything' };

function whyNotMade(input: PlacementInput<PlaceableInstance>, maxNew: number): string {
  if (input.creationPolicy === 'reuse') return 'fit, but the creation policy `reuse` lets no machine be made';
  const more =
    maxNew === 0 ? 'no more machine' : maxNew === 1 ? 'only one more machine' : `only ${maxNew} more machines`;
  return `fit, but ${more} may be made`;
}

class Sites<I> {
  readonly #alone: boolean;
  readonly #sites = new Map<string, Site<I>>();

  constructor(nodes: number) {
    this.#alone = nodes === 1;
  }

  at({ backend, region }: MatchCandidate): Site<I> {
    const key = this.#alone ? '' : JSON.stringify([backend, region]);
    let site = this.#sites.get(key);
    if (site === undefined) {
      site = { key, seats: [], offer: null };
      this.#sites.set(key, site);
    }
    return site;
  }

  all(): Iterable<Site<I>> {
    return this.#sites.values();
  }
}

/** The fewest blocks of an instance that fit and are free; null, with the reason noted, where there are none. */
function findSeat<I extends PlaceableInstance>(
  instance: I,
  input: PlacementInput<I>,
  fits: Matcher,
  refused: Refusals,
): Seat<I> | null {
  if (input.fleets !== null && (instance.fleet === null || !input.fleets.includes(instance.fleet))) {
    refused.other(
      `in ${instance.fleet === null ? 'no fleet' : `fleet ${instance.fleet}`}, which the configuration excludes`,
    );
    return null;
  }
  const { totalBlocks, busyBlocks } = instance;
  let misfit: Misfit | null = null;
  // Nodes that are not alone need the machine's own network, hence the whole machine.
  for (let blocks = input.nodes > 1 ? totalBlocks : 1; blocks <= totalBlocks; blocks++) {
    const candidate = candidateOfBlocks(instance, blocks, totalBlocks);
    misfit = fits(candidate);
    if (misfit !== null) continue;
    if (blocks > totalBlocks - busyBlocks) {
      refused.other('in use');
      return null;
    }
    const { id, idleSince, createdAt } = instance;
    return { instance, id, blocks, pricePerHour: candidate.pricePerHour, idleSince, createdAt };
  }
  if (misfit !== null) refused.misfit(misfit);
  return null;
}

interface Plan<I> {
  readonly site: Site<I>;
  readonly seats: readonly Seat<I>[];
  readonly fresh: number;
  readonly pricePerHour: number;
}

function bestPlacement<I extends PlaceableInstance>(
  sites: Iterable<Site<I>>,
  nodes: number,
  maxNew: number,
): Placement<I> | null {
  let best: Plan<I> | null = null;
  for (const site of sites) {
    const seats = site.seats.slice(0, nodes);
    const fresh = nodes - seats.length;
    if (fresh > maxNew || (fresh > 0 && site.offer === null)) continue;
    let pricePerHour = fresh * (site.offer?.pricePerHour ?? 0);
    for (const seat of seats) pricePerHour += seat.pricePerHour;
    const plan: Plan<I> = { site, seats, fresh, pricePerHour };
    if (best === null || comparePlans(plan, best) < 0) best = plan;
  }
  return best === null ? null : { kind: 'placed', assignments: assign(best, nodes), pricePerHour: best.pricePerHour };
}

function comparePlans<I>(a: Plan<I>, b: Plan<I>): number {
  const availability =
    a.site.offer === null || b.site.offer === null || a.fresh === 0
      ? 0
      : compareAvailability(a.site.offer, b.site.offer);
  return a.fresh - b.fresh || a.pricePerHour - b.pricePerHour || availability || compareIds(a.site.key, b.site.key);
}

function assign<I extends PlaceableInstance>(plan: Plan<I>, nodes: number): Assignment<I>[] {
  const assignments: Assignment<I>[] = [];
  for (let node = 0; node < nodes; node++) {
    const seat = plan.seats[node];
    if (seat !== undefined) {
      assignments.push({ kind: 'instance', node, instance: seat.instance, blocks: seat.blocks });
    } else if (plan.site.offer !== null) {
      assignments.push({ kind: 'offer', node, offer: plan.site.offer });
    }
  }
  return assignments;
}
