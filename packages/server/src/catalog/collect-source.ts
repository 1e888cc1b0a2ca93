/** One source asked once: what it says, made into offers, held against the rules. */
import type { AnyBackendDefinition } from '@berth/backend';
import { type CatalogOffer, type CollectContext, type CollectedOffer, normalizeOffer } from '@berth/catalog';
import { blockingReason, checkOffers, type IntegrityReport, type Market } from '@berth/catalog/integrity';
import { BerthError } from '@berth/core/errors';
import type { Http } from '@berth/http';
import { boundedOffers, misfit } from './bounded-offers.ts';
import type { SourceAccount } from './source-credentials.ts';

export interface CollectSourceOptions {
  readonly http: Http;
  readonly account: SourceAccount;
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly progress: (message: string) => void;
  /** The version that is there; null: there is none. */
  readonly previous: Iterable<CatalogOffer> | null;
  readonly market: Market | null;
  /** A person says that a list whose prices all moved alike is right. */
  readonly acceptMovedList?: boolean;
  /** How long it may take, in ms; 45 minutes when absent. */
  readonly deadlineMs?: number;
}

export interface Skipped {
  readonly what: string;
  readonly reason: string;
  readonly times: number;
}

export interface CollectedSourceResult {
  readonly source: string;
  readonly report: IntegrityReport;
  /** Why it must not be published; null: it may. */
  readonly blocked: string | null;
  readonly skipped: readonly Skipped[];
  /** Labels that the registry does not know, with the offers that carry them. */
  readonly unmapped: ReadonlyMap<string, number>;
  readonly collectedAt: number;
  readonly ms: number;
}

/** The largest public price list has some GB, and its server sends it slowly. */
const COLLECT_DEADLINE_MS = 45 * 60_000;
/** Different ones that are told; what is wrong with a thousand types is mostly one thing. */
const MOST_SKIPPED = 200;
/** A cloud's name for a type may be a page of HTML. */
const LONGEST_NOTE = 300;

/** Collects, normalizes and checks. @throws what the source throws when its list cannot be whole */
export async function collectSource(
  definition: AnyBackendDefinition,
  options: CollectSourceOptions,
): Promise<CollectedSourceResult> {
  const { catalog, type } = definition;
  if (catalog.kind === 'owned') {
    throw new BerthError('not-supported', `${definition.title} sells nothing that could be collected.`);
  }
  const collectedAt = options.now();
  const notes = new Notes();
  const { deadlineMs = COLLECT_DEADLINE_MS } = options;
  const deadline = AbortSignal.timeout(deadlineMs);
  const signal = AbortSignal.any([options.signal, deadline]);
  const context: CollectContext<unknown> = {
    http: options.http,
    signal,
    now: options.now,
    ...options.account,
    log: { progress: options.progress, skipped: (what, reason) => notes.skipped(what, reason) },
  };
  const offers = await gather(catalog.collect(context), type, collectedAt, notes, signal).catch((error: unknown) => {
    options.signal.throwIfAborted();
    throw deadline.aborted ? new Error(`it was not done within ${deadlineMs / 1000} s`, { cause: error }) : error;
  });
  const { previous, market, acceptMovedList = false } = options;
  const report = checkOffers(offers, catalog.rules, { previous, market, acceptMovedList });
  return {
    source: type,
    report,
    blocked: blockingReason(report) ?? (report.good.length === 0 ? 'it gave no offer at all' : null),
    skipped: notes.all(),
    unmapped: notes.unmapped,
    collectedAt,
    ms: options.now() - collectedAt,
  };
}

async function gather(
  collected: AsyncIterable<CollectedOffer>,
  type: string,
  collectedAt: number,
  notes: Notes,
  signal: AbortSignal,
): Promise<CatalogOffer[]> {
  const offers: CatalogOffer[] = [];
  for await (const one of boundedOffers(collected, { signal })) {
    const wrong = misfit(one);
    if (wrong !== null) {
      notes.skipped('something', wrong);
      continue;
    }
    const normalized = normalizeOffer(one, { backend: type, source: type, collectedAt });
    if (!normalized.ok) {
      notes.skipped(`${one.instanceType} in ${one.region}`, normalized.reason);
      continue;
    }
    offers.push(normalized.offer);
    if (normalized.unmapped !== null) notes.unknown(normalized.unmapped);
  }
  return offers;
}

/** What was left out, by what and why; the same again is counted. */
class Notes {
  readonly unmapped = new Map<string, number>();
  readonly #skipped = new Map<string, { what: string; reason: string; times: number }>();
  #others = 0;

  skipped(givenWhat: string, givenReason: string): void {
    const [what, reason] = [noteOf(givenWhat), noteOf(givenReason)];
    const key = `${what}\0${reason}`;
    const known = this.#skipped.get(key);
    if (known !== undefined) known.times++;
    else if (this.#skipped.size < MOST_SKIPPED) this.#skipped.set(key, { what, reason, times: 1 });
    else this.#others++;
  }

  unknown(label: string): void {
    this.unmapped.set(label, (this.unmapped.get(label) ?? 0) + 1);
  }

  all(): Skipped[] {
    const told = [...this.#skipped.values()];
    return this.#others === 0 ? told : [...told, { what: 'others', reason: 'too many to tell', times: this.#others }];
  }
}

function noteOf(given: string): string {
  const text = String(given);
  return text.length > LONGEST_NOTE ? `${text.slice(0, LONGEST_NOTE)}…` : text;
}
