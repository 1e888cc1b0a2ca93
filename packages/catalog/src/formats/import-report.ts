/** What an import read, kept and refused: nothing is dropped in silence. */

export interface Rejection {
  /** Counts from 1, which is the header. */
  readonly row: number;
  /** Name of the column; null: the row as a whole. */
  readonly column: string | null;
  readonly reason: string;
  /** The cell, shortened; null: the row as a whole. */
  readonly value: string | null;
}

export interface ImportReport {
  /** Rows read, without the header and blank lines. */
  readonly rows: number;
  /** Offers made of them; a row with an on-demand and a spot price makes two. */
  readonly accepted: number;
  /** Rows, or prices of rows, that no offer was made of. */
  readonly rejected: number;
  /** The first `KEPT_REJECTIONS` of them. */
  readonly rejections: readonly Rejection[];
  /** All of them, counted by column and reason: `price is not a number`. */
  readonly reasons: ReadonlyMap<string, number>;
  /** Accelerator labels that the registry does not know, with the offers that carry them. */
  readonly unmapped: ReadonlyMap<string, number>;
}

const KEPT_REJECTIONS = 100;
const SHOWN_LETTERS = 60;
/** Reasons and labels come from the file; more kinds than this are counted as one. */
const MAX_KINDS = 1000;
const OTHERS = 'others';

/** Gathers an `ImportReport` while rows go by. */
export class ImportCount {
  rows = 0;
  #accepted = 0;
  #rejected = 0;
  readonly #rejections: Rejection[] = [];
  readonly #reasons = new Map<string, number>();
  readonly #unmapped = new Map<string, number>();

  reject(row: number, column: string | null, reason: string, value: string | null = null): void {
    this.#rejected++;
    count(this.#reasons, column === null ? reason : `${column} ${reason}`);
    if (this.#rejections.length >= KEPT_REJECTIONS) return;
    const shown = value !== null && value.length > SHOWN_LETTERS ? `${value.slice(0, SHOWN_LETTERS)}…` : value;
    this.#rejections.push({ row, column, reason, value: shown });
  }

  /** `unmapped`: the label that the registry does not know; null: it knows it, or there is none. */
  accept(unmapped: string | null): void {
    this.#accepted++;
    if (unmapped !== null) count(this.#unmapped, unmapped);
  }

  report(): ImportReport {
    return {
      rows: this.rows,
      accepted: this.#accepted,
      rejected: this.#rejected,
      rejections: this.#rejections,
      reasons: this.#reasons,
      unmapped: this.#unmapped,
    };
  }
}

function count(kinds: Map<string, number>, kind: string): void {
  const key = kinds.has(kind) || kinds.size < MAX_KINDS ? kind : OTHERS;
  kinds.set(key, (kinds.get(key) ?? 0) + 1);
}
