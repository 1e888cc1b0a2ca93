import type { BackendKind } from '../contract.ts';

export interface ScaffoldOptions {
  /** As people write it: `FluffyCloud`. */
  readonly title: string;
  /** `typeOf(title)`, or another word. */
  readonly type: string;
  readonly kind: BackendKind;
  readonly catalog: 'offline' | 'online';
  readonly packageName: string;
  /** What `berth backend check` is given: the type, or the folder's path. */
  readonly checkName: string;
}

/** The title that stands in the templates, and the type. */
const TITLE = 'FluffyCloud';
const TYPE = 'fluffycloud';
const NAMES = new RegExp(`PACKAGE_NAME|CHECK_NAME|${TITLE}|${TYPE}`, 'g');

/** `Fluffy Cloud` → `fluffy-cloud`; may be no valid type (`BACKEND_TYPE`). */
export function typeOf(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
}

/**
 * One file of the template: lines between `//#if WORD` and `//#end` stay when the word is the kind or the catalog,
 * and names are put in.
 */
export function render(template: string, options: ScaffoldOptions): string {
  const chosen = new Set<string>([options.kind, options.catalog]);
  const lines: string[] = [];
  let keeps = true;
  for (const line of template.split('\n')) {
    const condition = /^\s*\/\/#if (\w+)$/.exec(line);
    if (condition !== null) keeps = chosen.has(condition[1] ?? '');
    else if (/^\s*\/\/#end$/.test(line)) keeps = true;
    else if (keeps) lines.push(line);
  }
  const names = new Map([
    ['PACKAGE_NAME', options.packageName],
    ['CHECK_NAME', options.checkName],
    [TITLE, quotable(options.title)],
    [TYPE, options.type],
  ]);
  // In one pass: what is put in may itself hold one of the names, or `$&`.
  return lines.join('\n').replace(NAMES, (name) => names.get(name) ?? name);
}

/** A title stands in comments, strings and Markdown: whatever would end one of them is left out. */
function quotable(title: string): string {
  return title.replace(/[^\p{L}\p{N} ._+&()-]/gu, '').trim();
}
