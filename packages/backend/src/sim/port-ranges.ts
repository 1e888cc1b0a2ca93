import type { PortRange } from '../contract.ts';

/** Merged and in order. */
export function opened(open: readonly PortRange[], more: readonly PortRange[]): readonly PortRange[] {
  const merged: { from: number; to: number }[] = [];
  for (const range of [...open, ...more].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && range.from <= last.to + 1) last.to = Math.max(last.to, range.to);
    else merged.push({ ...range });
  }
  return merged;
}

/** What is left open. */
export function closed(open: readonly PortRange[], less: readonly PortRange[]): readonly PortRange[] {
  return less.reduce<readonly PortRange[]>(
    (left, { from, to }) =>
      left.flatMap((range) => [
        ...(range.from < from ? [{ from: range.from, to: Math.min(range.to, from - 1) }] : []),
        ...(range.to > to ? [{ from: Math.max(range.from, to + 1), to: range.to }] : []),
      ]),
    open,
  );
}
