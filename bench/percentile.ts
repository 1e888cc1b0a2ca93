/** The smallest sample that so many percent of all are not above. @throws RangeError without a single sample */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('a percentile needs at least one sample');
  return value;
}
