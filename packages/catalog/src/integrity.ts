/**
 * Whether what a source says can be believed. An offer that breaks a rule is quarantined with its reason;
 * a source that breaks one is not published, and keeps its last good version.
 */

import type { CatalogOffer } from './catalog-offer.ts';
import { Market, marketRule } from './integrity-market.ts';
import { cheapAccelerators, offerRules } from './integrity-offer.ts';
import { spotBelowOnDemand, withoutDuplicates } from './integrity-peers.ts';
import { lossProblems, withoutJumps } from './integrity-previous.ts';
import type { IntegrityRule } from './integrity-rule.ts';
import { sourceProblems } from './integrity-source.ts';
import { countQuarantined, type Parted, part, type Quarantined } from './quarantine.ts';

export interface IntegrityProblem {
  /** A rule of the source's own, or a general one. */
  readonly rule:
    | IntegrityRule['rule']
    | 'rows-lost'
    | 'regions-vanished'
    | 'accelerators-vanished'
    | 'price-jump'
    | 'list-moved'
    | 'quarantined'
    | 'unmapped';
  readonly message: string;
  /** `blocks`: this version is not published. */
  readonly severity: 'blocks' | 'warns';
}

export interface IntegrityContext {
  /** The version that is published; null: there is none to compare with. */
  readonly previous: Iterable<CatalogOffer> | null;
  /** A person says that all prices did change: they are not compared with those before. */
  readonly acceptMovedList?: boolean;
  /** Of all sources, this one included: its own prices are left out. Null: nothing else is known. */
  readonly market: Market | null;
}

export interface IntegrityReport {
  readonly good: readonly CatalogOffer[];
  readonly quarantined: readonly Quarantined[];
  readonly problems: readonly IntegrityProblem[];
}

/** With more than this share kept out, the list has probably changed its form. */
const MOST_QUARANTINED = 0.2;

/** Every offer is either good or quarantined, once; good ones keep their order. */
export function checkOffers(
  offers: Iterable<CatalogOffer>,
  rules: readonly IntegrityRule[],
  { previous, market, acceptMovedList = false }: IntegrityContext,
): IntegrityReport {
  const has = (name: IntegrityRule['rule']): boolean => rules.some(({ rule }) => rule === name);
  const before = new Map([...(previous ?? [])].map((offer) => [offer.id, offer]));
  const quarantined: Quarantined[] = [];
  const problems: IntegrityProblem[] = [];
  const keep = (parted: Parted): CatalogOffer[] => {
    for (const entry of parted.quarantined) quarantined.push(entry);
    return parted.good;
  };

  let good = keep(part(offers, offerRules(rules)));
  if (market !== null) good = keep(part(good, marketRule(market, cheapAccelerators(rules))));
  good = keep(withoutDuplicates(good));
  if (!has('spot-above-on-demand')) good = keep(spotBelowOnDemand(good));
  const jumps = withoutJumps(good, acceptMovedList ? new Map() : before);
  good = keep(jumps);
  problems.push(...jumps.problems);

  problems.push(...sourceProblems(good, rules));
  if (!has('comes-and-goes')) problems.push(...lossProblems(good, before));
  const share = quarantined.length / Math.max(1, good.length + quarantined.length);
  if (quarantined.length > 0) {
    const counts = countQuarantined(quarantined).map(({ rule, count, example }) => `${count} by ${rule} (${example})`);
    problems.push({
      rule: 'quarantined',
      message: `${quarantined.length} offers are kept out: ${counts.join('; ')}`,
      severity: share > MOST_QUARANTINED ? 'blocks' : 'warns',
    });
  }
  return { good, quarantined, problems };
}

/** Why this version must not be published, as one sentence; null: it may. */
export function blockingReason({ problems }: IntegrityReport): string | null {
  const messages = problems.filter(({ severity }) => severity === 'blocks').map(({ message }) => message);
  return messages.length === 0 ? null : messages.join('; ');
}

export { Market };
