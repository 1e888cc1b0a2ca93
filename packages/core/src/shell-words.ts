import { BerthError } from './errors.ts';
import { quote } from './quote.ts';

/** One word as a POSIX shell must see it to pass it on unchanged. */
export function quoteShellWord(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'"'"'`)}'`;
}

/**
 * Splits a line into words as a POSIX shell does, without expanding anything: quotes group, a backslash
 * keeps the next character (inside double quotes only where the shell says so).
 * @throws BerthError `invalid-configuration` for an open quote or a backslash at the end
 */
export function splitShellWords(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i);
    if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (char === "'") {
      const end = line.indexOf("'", i + 1);
      if (end < 0) throw open(line, 'a single quote');
      word = (word ?? '') + line.slice(i + 1, end);
      i = end;
    } else if (char === '"') {
      const quoted = readDoubleQuoted(line, i + 1);
      word = (word ?? '') + quoted.text;
      i = quoted.end;
    } else if (char === '\\') {
      if (i + 1 >= line.length) throw open(line, 'a backslash');
      i++;
      // A backslash before a line's end joins the lines.
      if (line.charAt(i) !== '\n') word = (word ?? '') + line.charAt(i);
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== null) words.push(word);
  return words;
}

function readDoubleQuoted(line: string, from: number): { readonly text: string; readonly end: number } {
  let text = '';
  for (let i = from; i < line.length; i++) {
    const char = line.charAt(i);
    if (char === '"') return { text, end: i };
    if (char === '\\' && '$`"\\\n'.includes(line.charAt(i + 1)) && i + 1 < line.length) {
      i++;
      if (line.charAt(i) !== '\n') text += line.charAt(i);
    } else {
      text += char;
    }
  }
  throw open(line, 'a double quote');
}

function open(line: string, what: string): BerthError {
  return new BerthError('invalid-configuration', `${what} is not closed in ${quote(line)}`);
}
