/** Words longer than this are not typing mistakes of a known word; it also bounds the work on hostile input. */
const LONGEST_WORD = 64;

/**
 * Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`: the optimal string
 * alignment form of the Damerau-Levenshtein distance, in which no part is edited twice.
 */
export function editDistance(a: string, b: string): number {
  const width = b.length + 1;
  let beforePrevious = new Array<number>(width).fill(0);
  let previous = Array.from({ length: width }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = new Array<number>(width).fill(i);
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (beforePrevious[j - 2] ?? 0) + 1);
      }
      current[j] = best;
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/**
 * The known words that `word` may be a mistyped form of, nearest first; at most `limit`. Letter case
 * does not count. Empty when nothing is near: a far-fetched guess is worse than none.
 */
export function nearestWords(word: string, known: Iterable<string>, limit = 3): string[] {
  if (word.length === 0 || word.length > LONGEST_WORD) return [];
  const wanted = word.toLowerCase();
  const allowed = Math.max(1, Math.floor(wanted.length / 3));
  const found: { readonly candidate: string; readonly distance: number }[] = [];
  for (const candidate of known) {
    if (Math.abs(candidate.length - wanted.length) > allowed) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance <= allowed) found.push({ candidate, distance });
  }
  found.sort((a, b) => a.distance - b.distance || a.candidate.localeCompare(b.candidate));
  return found.slice(0, limit).map((entry) => entry.candidate);
}

/** The nearest known word, or null. */
export function nearestWord(word: string, known: Iterable<string>): string | null {
  return nearestWords(word, known, 1)[0] ?? null;
}
