/** Price changes of one source, kept compactly: built from successive versions, bounded in time. */

import { type CatalogOffer, catalogOfferId } from './catalog-offer.ts';
import { compactBatches, DAY_MS } from './history-compact.ts';
import {
  type HistoryBatch,
  type HistorySeries,
  type LogState,
  logHead,
  type MicroPrice,
  newLogState,
  readLog,
  writeFrame,
} from './history-log.ts';

export type { HistoryBatch, HistorySeries, MicroPrice } from './history-log.ts';

/** Every change stays this long; older days keep their lowest price. */
export const FULL_DETAIL_MS = 90 * DAY_MS;
/** What is older is forgotten, but for the price that held then. */
const KEPT_MS = 3 * 365 * DAY_MS;

export class PriceHistory {
  readonly #state: LogState;
  readonly #batches: HistoryBatch[];
  readonly #chunks: Uint8Array[];
  readonly #indexes = new Map<string, number>();
  /** Series that are on sale now. */
  readonly #present: boolean[] = [];

  private constructor(state: LogState, batches: HistoryBatch[], chunks: Uint8Array[]) {
    this.#state = state;
    this.#batches = batches;
    this.#chunks = chunks;
    state.series.forEach((series, index) => {
      this.#indexes.set(seriesId(series), index);
    });
    for (const { changes } of batches) for (const [series, price] of changes) this.#present[series] = price !== null;
  }

  static empty(): PriceHistory {
    return new PriceHistory(newLogState(), [], [logHead()]);
  }

  /** As much as is good. `cut`: why, and how many bytes were left out; null: none were. */
  static read(bytes: Uint8Array): {
    readonly history: PriceHistory;
    readonly cut: { readonly bytes: number; readonly reason: string } | null;
  } {
    if (bytes.byteLength === 0) return { history: PriceHistory.empty(), cut: null };
    const { state, batches, goodBytes, cut } = readLog(bytes);
    const chunks = goodBytes === 0 ? [logHead()] : [bytes.subarray(0, goodBytes)];
    const history = new PriceHistory(state, batches, chunks);
    return { history, cut: cut === null ? null : { bytes: bytes.byteLength - goodBytes, reason: cut } };
  }

  /** How many price changes it holds. */
  get changes(): number {
    return this.#batches.reduce((sum, { changes }) => sum + changes.length, 0);
  }

  get series(): readonly HistorySeries[] {
    return this.#state.series;
  }

  /** Oldest first. */
  get batches(): readonly HistoryBatch[] {
    return this.#batches;
  }

  /** Milliseconds since 1970; null: nothing was recorded yet. */
  get lastAt(): number | null {
    return this.#batches.at(-1)?.at ?? null;
  }

  /**
   * Notes what has changed since the version before: new prices, and offers that are gone. `at` is when the
   * version was collected; one that is not newer than the last record changes nothing. Returns how many
   * prices have changed.
   */
  record(next: Iterable<CatalogOffer>, at: number): number {
    const second = Math.floor(at / 1000) * 1000;
    if (this.lastAt !== null && second <= this.lastAt) return 0;
    const prices = new Map<number, number>();
    const added: HistorySeries[] = [];
    for (const offer of next) {
      let index = this.#indexes.get(offer.id);
      if (index === undefined) {
        index = this.#indexes.size;
        this.#indexes.set(offer.id, index);
        added.push(seriesOf(offer));
      }
      prices.set(index, Math.round(offer.pricePerHour * 1e6));
    }
    const changes: [number, MicroPrice][] = [];
    for (let index = 0; index < this.#indexes.size; index++) {
      const price = prices.get(index) ?? null;
      const was = this.#present[index] === true ? (this.#state.lastPrice[index] ?? null) : null;
      if (price !== was) changes.push([index, price]);
      this.#present[index] = price !== null;
    }
    if (changes.length > 0) this.#append(added, { at: second, changes });
    return changes.length;
  }

  /** The whole file. */
  bytes(): Uint8Array {
    const whole = Buffer.concat(this.#chunks);
    this.#chunks.splice(0, this.#chunks.length, whole);
    return whole;
  }

  /** The whole file as it is published: without the detail that has grown old, where giving it up is due. */
  publishedBytes(now: number): Uint8Array {
    return (this.#isDue(now) ? this.compacted(now) : this).bytes();
  }

  /** True when enough has grown old that `compacted` is worth its time: once a week. */
  #isDue(now: number): boolean {
    const cutoff = now - FULL_DETAIL_MS;
    const old = this.#batches.filter(({ at }) => at < cutoff);
    // A compacted day begins at midnight; any other time was not compacted yet.
    const loose = old.find(({ at }) => at % DAY_MS !== 0);
    return loose !== undefined && loose.at < cutoff - 7 * DAY_MS;
  }

  /**
   * The same with one price a day, the lowest, for days that ended more than 90 days ago. Series that were
   * gone for all that is kept are forgotten.
   */
  compacted(now: number): PriceHistory {
    const detailFrom = Math.floor((now - FULL_DETAIL_MS) / DAY_MS) * DAY_MS;
    const from = Math.floor((now - KEPT_MS) / DAY_MS) * DAY_MS;
    const compacted = PriceHistory.empty();
    const renumbered = new Map<number, number>();
    for (const { at, changes } of compactBatches(this.#batches, from, detailFrom)) {
      const added: HistorySeries[] = [];
      const moved = changes.flatMap(([series, price]): [number, MicroPrice][] => {
        const definition = this.#state.series[series];
        if (definition === undefined) return [];
        const index = renumbered.get(series) ?? renumbered.size;
        if (!renumbered.has(series)) {
          renumbered.set(series, index);
          compacted.#indexes.set(seriesId(definition), index);
          added.push(definition);
        }
        return [[index, price]];
      });
      compacted.#append(added, { at, changes: moved.sort(([a], [b]) => a - b) });
    }
    return compacted;
  }

  #append(added: readonly HistorySeries[], batch: HistoryBatch): void {
    this.#chunks.push(writeFrame(this.#state, added, batch));
    this.#batches.push(batch);
    for (const [series, price] of batch.changes) this.#present[series] = price !== null;
  }
}

function seriesOf({
  backend,
  instanceType,
  region,
  zone,
  capacityType,
  flags,
  accelerator,
}: CatalogOffer): HistorySeries {
  const device =
    accelerator === null
      ? null
      : { name: accelerator.name, memoryMiB: accelerator.memoryMiB, count: accelerator.count };
  return { backend, instanceType, region, zone, capacityType, flags, accelerator: device };
}

/** The id of the offer that the series is the history of. */
export function seriesId(series: HistorySeries): string {
  const { accelerator } = series;
  // An id has nothing of these three.
  const device = accelerator === null ? null : { ...accelerator, vendor: null, known: true, formFactor: null };
  return catalogOfferId({ ...series, accelerator: device });
}
