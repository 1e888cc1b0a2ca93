/** Runs a collector against a server that replays its cloud. For tests of backends' folders. */

import { createHttp, type Http } from '@berth/http';
import type { CatalogOffer } from '../catalog-offer.ts';
import type { Collect } from '../catalog-source.ts';
import type { CollectedOffer } from '../collected-offer.ts';
import { blockingReason, checkOffers } from '../integrity.ts';
import type { IntegrityRule } from '../integrity-rule.ts';
import { normalizeOffer } from '../normalize.ts';

export interface HarvestOptions<Credentials> {
  /** Where the cloud's origins lead to. */
  readonly origins: Readonly<Record<string, string>>;
  readonly credentials: Credentials;
  /** Instead of the collector's own time-outs, in ms. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface Harvest {
  readonly offers: readonly CollectedOffer[];
  /** `what: why` */
  readonly skipped: readonly string[];
  /** Pauses before retries, in ms; nobody waited for them. */
  readonly pauses: readonly number[];
}

/** Everything that a source yields. */
export async function harvest<Credentials>(
  collect: Collect<Credentials>,
  { origins, credentials, timeoutMs, signal = AbortSignal.timeout(20_000) }: HarvestOptions<Credentials>,
): Promise<Harvest> {
  const skipped: string[] = [];
  const pauses: number[] = [];
  const sleep = async (ms: number): Promise<void> => void pauses.push(ms);
  const real = createHttp({ now: () => NOW, sleep, random: () => 0, origins });
  const http = timeoutMs === undefined ? real : hurried(real, timeoutMs);
  const log = { progress() {}, skipped: (what: string, reason: string) => void skipped.push(`${what}: ${reason}`) };
  const offers: CollectedOffer[] = [];
  for await (const offer of collect({ http, signal, now: () => NOW, credentials, config: null, log }))
    offers.push(offer);
  return { offers, skipped, pauses };
}

/** When everything is collected, in milliseconds since 1970. */
export const NOW = Date.UTC(2026, 0, 5, 8, 9, 10);

function hurried(http: Http, timeoutMs: number): Http {
  return {
    json: (request, signal) => http.json({ ...request, timeoutMs }, signal),
    text: (request, signal) => http.text({ ...request, timeoutMs }, signal),
    open: (request, signal) => http.open({ ...request, timeoutMs }, signal),
    lines: (request, signal) => http.lines({ ...request, timeoutMs }, signal),
  };
}

/** As the catalog will have them. @throws Error for one that it would not take */
export function normalized(offers: readonly CollectedOffer[], backend: string): readonly CatalogOffer[] {
  return offers.map((collected) => {
    const result = normalizeOffer(collected, { backend, source: backend, collectedAt: NOW });
    if (!result.ok) throw new Error(`${collected.instanceType} in ${collected.region}: ${result.reason}`);
    return result.offer;
  });
}

/** The same, of lists whose devices the registry must all know. @throws Error for one that it does not */
export function mapped(offers: readonly CollectedOffer[], backend: string): readonly CatalogOffer[] {
  const all = normalized(offers, backend);
  const unknown = all.flatMap(({ accelerator }) => (accelerator?.known === false ? [accelerator.name] : []));
  if (unknown.length > 0) throw new Error(`the registry does not know ${unknown.join(', ')}`);
  return all;
}

export interface Judgement {
  /** Ids of offers that stay out of the catalog, each with the reason. */
  readonly keptOut: readonly string[];
  /** Why the list would not be published; null: it would. */
  readonly blocked: string | null;
}

/** What the rules of a source make of what it collects. `before`: what it had collected the time before. */
export function judged(
  offers: readonly CollectedOffer[],
  backend: string,
  rules: readonly IntegrityRule[],
  before: readonly CollectedOffer[] | null = null,
): Judgement {
  const previous = before === null ? null : normalized(before, backend);
  const report = checkOffers(normalized(offers, backend), rules, { previous, market: null });
  return {
    keptOut: report.quarantined.map(({ offer, reason }) => `${offer.id}: ${reason}`),
    blocked: blockingReason(report),
  };
}
