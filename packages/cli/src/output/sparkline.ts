/** Prices over time as one line of blocks. */

export interface Scale {
  /** Milliseconds since 1970: where the line begins and ends. */
  readonly since: number;
  readonly until: number;
  readonly low: number;
  readonly high: number;
}

export interface PricePoint {
  readonly at: number;
  /** Null: from here on it is not sold. */
  readonly price_per_gpu: number | null;
}

const BLOCKS = '▁▂▃▄▅▆▇█';

/** Points are in the order of time; each price holds until the next one. A dot stands where there is no price. */
export function sparkline(points: readonly PricePoint[], scale: Scale, width: number): string {
  const { since, until, low, high } = scale;
  let line = '';
  for (let column = 0; column < width; column++) {
    // The end of the column's time: a price that came in it shows in it.
    const at = since + ((until - since) * (column + 1)) / width;
    const price = points.findLast((point) => point.at <= at)?.price_per_gpu ?? null;
    line += price === null ? '·' : blockOf(high > low ? (price - low) / (high - low) : 0);
  }
  return line;
}

function blockOf(share: number): string {
  return BLOCKS[Math.min(BLOCKS.length - 1, Math.floor(share * BLOCKS.length))] ?? '·';
}
