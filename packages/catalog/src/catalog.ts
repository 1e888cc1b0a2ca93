/**
 * Every source's offers, asked as one. Each source is swapped by itself, at once and whole; one that
 * fails keeps what it had and says so in every answer.
 */

import { BerthError } from '@berth/core/errors';
import { type AcceleratorListing, listAccelerators } from './accelerator-listing.ts';
import type { CatalogAnswer, CatalogFilter, CatalogGroups, CatalogQuery, OfferGroupKey } from './catalog-query.ts';
import { type CompiledFilter, compileFilter } from './compiled-filter.ts';
import { readCursor } from './cursor.ts';
import { groupSelections } from './grouping.ts';
import { HeldSource, type SourceFacts } from './held-source.ts';
import { OnlineAnswers, type OnlineSource } from './online-source.ts';
import { page } from './page.ts';
import { countOf, type Selection } from './selection.ts';
import type { Snapshot } from './snapshot.ts';
import type { SourceStatus } from './source-status.ts';

export type { SourceFacts } from './held-source.ts';
export type { OnlineSource } from './online-source.ts';

const DEFAULT_LIMIT = 100;

export interface CatalogOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly online?: readonly OnlineSource[];
}

interface Asked {
  /** By name of their source. */
  readonly selections: readonly Selection[];
  readonly sources: readonly SourceStatus[];
}

export class Catalog {
  readonly #now: () => number;
  readonly #held = new Map<string, HeldSource>();
  readonly #online = new Map<string, OnlineAnswers>();

  /** @throws BerthError `conflict` when two online sources have one name */
  constructor({ now, online = [] }: CatalogOptions) {
    this.#now = now;
    for (const source of online) {
      if (this.#online.has(source.name)) throw taken(source.name);
      this.#online.set(source.name, new OnlineAnswers(source, now));
    }
  }

  /** From the next query on, these are the source's offers. Queries that are under way are not disturbed. */
  replace(source: string, snapshot: Snapshot, facts: SourceFacts): void {
    if (this.#online.has(source)) throw taken(source);
    this.#held.set(source, new HeldSource(source, facts, snapshot, null));
  }

  /** The source could not be renewed: it keeps its offers, if it has any, and answers tell the reason. */
  failed(source: string, reason: string, facts: Pick<SourceFacts, 'kind'> = { kind: 'offline' }): void {
    const held = this.#held.get(source);
    this.#held.set(
      source,
      held?.withProblem(reason) ??
        new HeldSource(source, { ...facts, version: null, staleAfterMs: null }, null, reason),
    );
  }

  remove(source: string): void {
    this.#held.delete(source);
  }

  /** The source's offers as they are now; null: it has none. */
  snapshot(source: string): Snapshot | null {
    return this.#source(source)?.index?.snapshot ?? null;
  }

  /** How every source stands, by name. */
  statuses(): readonly SourceStatus[] {
    const now = this.#now();
    return this.#sources().map((held) => held.status(now));
  }

  /**
   * Answers from memory, without waiting: online sources with their last answer.
   * @throws BerthError `invalid-request` for a limit that is none and for a bad `after`
   */
  query(query: CatalogQuery): CatalogAnswer {
    const { sort = 'price', limit = DEFAULT_LIMIT } = query;
    if (!Number.isInteger(limit) || limit < 0) {
      throw new BerthError('invalid-request', `A limit is a whole number of offers, and ${limit} is none.`);
    }
    const after = query.after === undefined ? null : readCursor(query.after, sort);
    const { selections, sources } = this.#ask(query);
    const total = selections.reduce((sum, selection) => sum + countOf(selection), 0);
    return { ...page(selections, sort, limit, after), total, sources };
  }

  /** Like `query`, after the online sources that it concerns were asked. Never fails because of a source. */
  async queryAll(query: CatalogQuery, { signal }: { readonly signal?: AbortSignal } = {}): Promise<CatalogAnswer> {
    await this.refreshOnline(query, signal);
    return this.query(query);
  }

  /** Asks the online sources that the filter concerns, where their last answer is too old. */
  async refreshOnline(filter: CatalogFilter, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { backend } = compileFilter(filter, this.#now());
    const concerned = [...this.#online.values()].filter(
      ({ source }) => backend === null || source.backends.some((type) => backend(type)),
    );
    const asked = Promise.all(concerned.map((answers) => answers.refresh()));
    if (signal === undefined) {
      await asked;
      return;
    }
    const gone = Promise.withResolvers<never>();
    gone.promise.catch(() => undefined); // raced below, and no defect when it loses
    const leave = () => gone.reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    try {
      await Promise.race([asked, gone.promise]); // who leaves does not end what others wait for
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** How many offers pass. */
  count(filter: CatalogFilter): number {
    return this.#ask(filter).selections.reduce((sum, selection) => sum + countOf(selection), 0);
  }

  groups(filter: CatalogFilter, by: readonly OfferGroupKey[]): CatalogGroups {
    const { selections, sources } = this.#ask(filter);
    return { ...groupSelections(selections, by), sources };
  }

  /** Accelerators that offers which pass have, by name and memory. */
  accelerators(filter: CatalogFilter): {
    readonly accelerators: readonly AcceleratorListing[];
    readonly sources: readonly SourceStatus[];
  } {
    const { selections, sources } = this.#ask(filter);
    return { accelerators: listAccelerators(selections), sources };
  }

  #ask(filter: CatalogFilter): Asked {
    const now = this.#now();
    const compiled = compileFilter(filter, now);
    const all = this.#sources();
    const covered = new Set(all.flatMap((held) => (held.facts.kind === 'starter' ? [] : held.backends)));
    const selections: Selection[] = [];
    const sources = all.map((held) => {
      const own = held.facts.kind === 'starter' ? without(compiled, covered) : compiled;
      const known = this.#online.get(held.name)?.source.backends ?? held.backends;
      if (known.length > 0 && own.backend !== null && !known.some(own.backend)) {
        const named = compiled.backend !== null && !known.some(compiled.backend);
        return held.skipped(named ? 'The filter names other backends.' : 'Other sources have its backends.');
      }
      const selection = held.index?.select(own) ?? null;
      if (selection !== null && selection.groupCount > 0) selections.push(selection);
      return held.status(now);
    });
    return { selections, sources };
  }

  /** By name, so that no order depends on when a source came. */
  #sources(): readonly HeldSource[] {
    const all = [...this.#held.values(), ...[...this.#online.values()].map(({ held }) => held)];
    return all.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #source(name: string): HeldSource | undefined {
    return this.#held.get(name) ?? this.#online.get(name)?.held;
  }
}

/** What the starter knows counts only where nobody knows better. */
function without(filter: CompiledFilter, backends: ReadonlySet<string>): CompiledFilter {
  if (backends.size === 0) return filter;
  const { backend } = filter;
  return { ...filter, backend: (type) => !backends.has(type) && (backend === null || backend(type)) };
}

function taken(name: string): BerthError {
  return new BerthError('conflict', `There is an online catalog source "${name}" already.`);
}
