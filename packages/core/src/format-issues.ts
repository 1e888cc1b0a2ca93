import type { BerthError, ConfigIssue } from './errors.ts';
import { withoutControls } from './quote.ts';

/** How parts of a report may be marked, for example with colours; each takes plain text. */
export interface IssueStyle {
  location(text: string): string;
  message(text: string): string;
  gutter(text: string): string;
  caret(text: string): string;
  hint(text: string): string;
}

const PLAIN: IssueStyle = {
  location: (text) => text,
  message: (text) => text,
  gutter: (text) => text,
  caret: (text) => text,
  hint: (text) => text,
};

export interface FormatIssuesOptions {
  /** Name for the beginning of each line. */
  readonly file: string;
  /** The file's text; without it only places are shown. */
  readonly text?: string;
  readonly style?: IssueStyle;
}

/** More would scroll the first ones, which often cause the rest, off the screen. */
const MOST_SHOWN = 20;
/** Letters of a long line that are shown around the place. */
const WINDOW = 100;

/**
 * The issues of an error, one after another, in the form that editors and terminals make links of:
 *
 *     train.yml:3:1 unknown key `comands`
 *       3 | comands:
 *         | ^
 *         = did you mean `commands`?
 */
export function formatIssues(error: BerthError, options: FormatIssuesOptions): string {
  const style = options.style ?? PLAIN;
  const lines = options.text?.split(/\r\n|\n|\r/);
  const shown = error.issues.slice(0, MOST_SHOWN).map((issue) => formatIssue(issue, options.file, lines, style));
  const { omitted } = error.details;
  const hidden = error.issues.length - shown.length + (typeof omitted === 'number' ? omitted : 0);
  if (hidden > 0) shown.push(`and ${hidden} more`);
  return shown.join('\n');
}

function formatIssue(
  issue: ConfigIssue,
  file: string,
  lines: readonly string[] | undefined,
  style: IssueStyle,
): string {
  const { line, column = 1 } = issue;
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  const out = [`${style.location(place)} ${style.message(withoutControls(issue.message))}`];
  const source = line === undefined ? undefined : lines?.[line - 1];
  const width = String(line ?? '').length;
  if (source !== undefined) {
    const excerpt = cut(source, column);
    out.push(`${style.gutter(`  ${line} |`)} ${withoutControls(excerpt.text)}`);
    out.push(`${style.gutter(`  ${' '.repeat(width)} |`)} ${excerpt.indent}${style.caret('^')}`);
  }
  if (issue.hint !== undefined) {
    const indent = source === undefined ? '  ' : `  ${' '.repeat(width)} `;
    out.push(`${style.gutter(`${indent}=`)} ${style.hint(withoutControls(issue.hint))}`);
  }
  return out.join('\n');
}

/** The part of a line around a column, and the blanks that put a caret below that column. */
function cut(source: string, column: number): { readonly text: string; readonly indent: string } {
  const start = column > WINDOW ? column - 1 - WINDOW / 2 : 0;
  const head = start > 0 ? '…' : '';
  const tail = source.length > start + WINDOW ? '…' : '';
  const before = head + source.slice(start, column - 1);
  return {
    text: head + source.slice(start, start + WINDOW) + tail,
    indent: withoutControls(before).replace(/[^\t]/g, ' '),
  };
}
