/** Words as people write them in filters: without regard to letter case, with `*` and `?` where they are patterns. */

export type WordTest = (word: string) => boolean;

/** Is the word one of these? */
export function oneOf(words: readonly string[]): WordTest {
  const wanted = new Set(words.map((word) => word.toLowerCase()));
  return (word) => wanted.has(word.toLowerCase());
}

/** Does the word fit one of these patterns? `*`: any characters; `?`: any one. */
export function anyPattern(patterns: readonly string[]): WordTest {
  const plain = oneOf(patterns.filter((pattern) => !isPattern(pattern)));
  const globs = patterns.filter(isPattern).map((pattern) => pattern.toLowerCase());
  if (globs.length === 0) return plain;
  return (word) => {
    const lower = word.toLowerCase();
    return plain(word) || globs.some((glob) => fits(glob, lower));
  };
}

function isPattern(word: string): boolean {
  return word.includes('*') || word.includes('?');
}

/** Goes back to the last star only, so that no pattern takes more than length × length steps. */
function fits(glob: string, word: string): boolean {
  let g = 0;
  let star = -1;
  let resume = 0;
  for (let w = 0; w < word.length; ) {
    const wanted = glob[g];
    if (wanted === '*') {
      star = g;
      g += 1;
      resume = w;
    } else if (wanted === '?' || wanted === word[w]) {
      g += 1;
      w += 1;
    } else if (star >= 0) {
      g = star + 1;
      resume += 1;
      w = resume;
    } else {
      return false;
    }
  }
  while (glob[g] === '*') g += 1;
  return g === glob.length;
}
