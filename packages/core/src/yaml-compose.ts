import { Composer, type CST, type Document, Lexer, Parser } from 'yaml';
import { BerthError, type ConfigIssue } from './errors.ts';
import { positionAt } from './text-position.ts';

/** From text to YAML's own nodes, within bounds that are far above what a configuration needs. */

/** How deep maps and lists may be nested. */
export const MAX_DEPTH = 100;
const MAX_TOKENS = 200_000;
const MAX_ISSUES = 50;

/** What is wrong with a text, by place. */
export class TextProblems {
  readonly #text: string;
  readonly #file: string;
  readonly #issues: ConfigIssue[] = [];

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  add(offset: number, message: string, hint?: string): void {
    if (this.#issues.length >= MAX_ISSUES) return;
    const place = positionAt(this.#text, offset);
    this.#issues.push({ path: '', message, ...place, ...(hint === undefined ? {} : { hint }) });
  }

  throwIfAny(): void {
    if (this.#issues.length > 0) throw this.error();
  }

  error(): BerthError {
    return new BerthError('invalid-configuration', `${this.#file} cannot be read as YAML`, {
      issues: this.#issues,
      details: { file: this.#file },
    });
  }
}

/** What the library's error codes leave a newcomer wondering about. */
const HINTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with spaces',
  BAD_INDENT: 'keys of one map begin in the same column',
  BLOCK_AS_IMPLICIT_KEY: 'text that holds `: ` must be in quotes, or in a block after `|`',
  UNEXPECTED_TOKEN: 'text that begins with a special character must be in quotes',
  MISSING_CHAR: 'a bracket or quote is not closed, or a `:` is missing',
  TAG_RESOLVE_FAILED: 'a configuration needs no tags; text that begins with `!` must be in quotes',
};

/** @throws BerthError `invalid-configuration` with everything that is no YAML */
export function composeYaml(text: string, problems: TextProblems): Document.Parsed {
  const composer = new Composer({
    schema: 'core',
    resolveKnownTags: false,
    prettyErrors: false,
    uniqueKeys: false, // checked in Builder: the library compares every pair of keys
  });
  const documents: Document.Parsed[] = [];
  for (const token of boundedTokens(text, problems)) {
    documents.push(...composer.next(token));
    if (documents.length > 1) break; // one too many; there may be thousands
  }
  documents.push(...composer.end(true, text.length));
  for (const document of documents.slice(0, 2)) {
    for (const flaw of [...document.errors, ...document.warnings].slice(0, MAX_ISSUES)) {
      problems.add(flaw.pos[0], flaw.message, HINTS[flaw.code]);
    }
  }
  problems.throwIfAny();
  const [first, second] = documents;
  if (second !== undefined) {
    problems.add(second.range[0], 'the file holds more than one YAML document', 'give each configuration its own file');
    throw problems.error();
  }
  // With `forceDoc` the composer always ends with a document.
  if (first === undefined) throw new Error('the YAML composer gave no document');
  return first;
}

/** The parser's tokens; it gives up with a problem at a bound, and ends after as many errors as are shown. */
function* boundedTokens(text: string, problems: TextProblems): Generator<CST.Token> {
  const parser = new Parser();
  let lexemes = 0;
  let errors = 0;
  for (const lexeme of new Lexer().lex(text)) {
    if (++lexemes > MAX_TOKENS) {
      problems.add(parser.offset, `the file has more than ${MAX_TOKENS} YAML tokens`);
      throw problems.error();
    }
    for (const token of parser.next(lexeme)) {
      yield token;
      if (token.type === 'error' && ++errors > MAX_ISSUES) return;
    }
    // The parser keeps its own stack; the composer after it recurses, and must not meet deep nesting.
    if (parser.stack.length > MAX_DEPTH) {
      problems.add(parser.offset, `maps and lists are nested more than ${MAX_DEPTH} deep`);
      throw problems.error();
    }
  }
  yield* parser.end();
}
