/**
 * Reads the literals of Python that SkyPilot's `GpuInfo` is written in: dicts, lists, tuples, strings in
 * either quotes, numbers, True, False and None. Nothing is evaluated. JSON without escapes reads the same.
 */

export type Literal = string | number | boolean | null | readonly Literal[] | ReadonlyMap<string, Literal>;

/** A real one has four levels. */
const MAX_DEPTH = 16;
const MAX_LENGTH = 64 * 1024;

/** Null: not a literal. (That `None` reads as null, too, does not matter: it says nothing either.) */
export function readPythonLiteral(text: string): Literal {
  if (text.length > MAX_LENGTH) return null;
  const reader = new LiteralReader(text);
  const value = reader.value(0);
  return value === undefined || !reader.atEnd() ? null : value;
}

const SPACE = /\s*/y;
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z]+/y;
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ['True', true],
  ['False', false],
  ['None', null],
  ['true', true],
  ['false', false],
  ['null', null],
  // pandas writes a missing number so.
  ['nan', null],
]);
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '\\': '\\', "'": "'", '"': '"' };

class LiteralReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  atEnd(): boolean {
    this.#match(SPACE);
    return this.#at === this.#text.length;
  }

  /** Undefined: there is none here. */
  value(depth: number): Literal | undefined {
    if (depth > MAX_DEPTH) return undefined;
    this.#match(SPACE);
    const first = this.#text[this.#at];
    if (first === '{') return this.#dict(depth);
    if (first === '[') return this.#list(']', depth);
    if (first === '(') return this.#list(')', depth);
    if (first === "'" || first === '"') return this.#string(first);
    const number = this.#match(NUMBER);
    if (number !== null) return Number(number);
    const word = this.#match(WORD);
    return word === null ? undefined : WORDS.get(word);
  }

  #dict(depth: number): ReadonlyMap<string, Literal> | undefined {
    const entries = new Map<string, Literal>();
    this.#at++;
    for (;;) {
      if (this.#take('}')) return entries;
      const key = this.value(depth + 1);
      if (typeof key !== 'string' || !this.#take(':')) return undefined;
      const item = this.value(depth + 1);
      if (item === undefined) return undefined;
      entries.set(key, item);
      if (!this.#take(',') && !this.#ahead('}')) return undefined;
    }
  }

  #list(close: string, depth: number): readonly Literal[] | undefined {
    const items: Literal[] = [];
    this.#at++;
    for (;;) {
      if (this.#take(close)) return items;
      const item = this.value(depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
      if (!this.#take(',') && !this.#ahead(close)) return undefined;
    }
  }

  #string(quote: string): string | undefined {
    let text = '';
    this.#at++;
    while (this.#at < this.#text.length) {
      const letter = this.#text[this.#at++] ?? '';
      if (letter === quote) return text;
      if (letter !== '\\') {
        text += letter;
        continue;
      }
      const escaped = ESCAPES[this.#text[this.#at++] ?? ''];
      if (escaped === undefined) return undefined;
      text += escaped;
    }
    return undefined;
  }

  #match(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return null;
    this.#at = pattern.lastIndex;
    return match[0];
  }

  #ahead(letter: string): boolean {
    this.#match(SPACE);
    return this.#text[this.#at] === letter;
  }

  #take(letter: string): boolean {
    if (!this.#ahead(letter)) return false;
    this.#at++;
    return true;
  }
}
