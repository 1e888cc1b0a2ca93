/** Closes a paragraph, and fills the context before its first character. Always token 0. */
const END = '\n';

/** Every n-th paragraph is kept back for validation. */
const VALIDATION_EVERY = 10;

/** Imagined observations of the plain frequencies behind each pair count: 5 makes the pairs hardest to beat. */
const PAIR_PRIOR = 5;

/** Shorter paragraphs are headings ("Section 1"): learnt at once, and dull when the model repeats them. */
const SHORTEST_PARAGRAPH = 20;

/** Blank lines part paragraphs; line breaks inside a paragraph are only typesetting, so they become spaces. */
export function paragraphsOf(text) {
  return text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
    .filter((paragraph) => paragraph.length >= SHORTEST_PARAGRAPH);
}

/** The characters of the text, `END` first; a character's place in the list is its token. */
export function vocabularyOf(paragraphs) {
  return [END, ...[...new Set(paragraphs.join(''))].sort()];
}

/** Whole paragraphs, so that no validation character is ever seen as context in training. */
export function split(paragraphs) {
  const isValidation = (_, index) => index % VALIDATION_EVERY === VALIDATION_EVERY - 1;
  return {
    training: paragraphs.filter((paragraph, index) => !isValidation(paragraph, index)),
    validation: paragraphs.filter(isValidation),
  };
}

/**
 * One example per character: the token to predict and the `context` tokens before it, nearest first.
 * `contexts` holds `context` tokens for each of the `count` entries of `targets`.
 */
export function examplesOf(paragraphs, vocabulary, context) {
  const tokenOf = new Map(vocabulary.map((character, token) => [character, token]));
  const documents = paragraphs.map((paragraph) => [...paragraph, END].map((character) => tokenOf.get(character)));
  const count = documents.reduce((sum, document) => sum + document.length, 0);
  const contexts = new Uint16Array(count * context);
  const targets = new Uint16Array(count);
  let example = 0;
  for (const document of documents) {
    for (const [place, token] of document.entries()) {
      // What lies before the paragraph stays 0, which is END.
      for (let back = 0; back < Math.min(place, context); back++) {
        contexts[example * context + back] = document[place - 1 - back];
      }
      targets[example++] = token;
    }
  }
  return { context, count, contexts, targets };
}

/**
 * What a model must beat: the mean validation loss, in nats per character, of guessing evenly (`uniform`), by how
 * often each character occurs in the training text (`characters`), and by how often it follows the one before it there
 * (`pairs`).
 */
export function baselines(training, validation, size) {
  const counts = new Float64Array(size).fill(1); // one more than seen: nothing is impossible
  const followed = new Float64Array(size);
  const pairs = new Map(); // sparse: most pairs of characters never occur
  const before = (examples, example) => examples.contexts[example * examples.context];
  const pairOf = (last, target) => last * size + target;
  for (let example = 0; example < training.count; example++) {
    const target = training.targets[example];
    const last = before(training, example);
    const pair = pairOf(last, target);
    counts[target] += 1;
    followed[last] += 1;
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  }
  const total = training.count + size;
  let characterLoss = 0;
  let pairLoss = 0;
  for (let example = 0; example < validation.count; example++) {
    const target = validation.targets[example];
    const last = before(validation, example);
    const frequency = counts[target] / total;
    characterLoss -= Math.log(frequency);
    const seen = pairs.get(pairOf(last, target)) ?? 0;
    pairLoss -= Math.log((seen + PAIR_PRIOR * frequency) / (followed[last] + PAIR_PRIOR));
  }
  return {
    uniform: Math.log(size),
    characters: characterLoss / validation.count,
    pairs: pairLoss / validation.count,
  };
}
