import { BerthError } from './errors.ts';
import { nearestWord } from './nearest.ts';
import { oneOf, quote } from './quote.ts';

/**
 * `${{ namespace.name }}` inside the strings of a configuration; `$${{` stands for a literal `${{`.
 *
 * Text that still has to be resolved is a *template*; resolved text is *plain*. A value that goes into
 * a template is escaped first, so it can never be read as a reference of its own.
 */
export const NAMESPACES = ['env', 'secrets', 'run'] as const;
export type Namespace = (typeof NAMESPACES)[number];

export interface Reference {
  readonly namespace: Namespace;
  readonly name: string;
}

/** Namespaces of dstack whose features come later, with what they belong to. */
const LATER: Readonly<Record<string, string>> = {
  dstack: 'names of network volumes',
  groups: 'groups of nodes',
};

const NAMES: Readonly<Record<Namespace, RegExp>> = {
  env: /^[A-Za-z_][A-Za-z0-9_]*$/,
  secrets: /^[A-Za-z0-9_-]+$/,
  run: /^args$/,
};

const ESCAPE = '$${{';
const OPEN = '${{';
const CLOSE = '}}';

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | ({ readonly kind: 'reference'; readonly source: string } & Reference);

/**
 * The references of a template, in order.
 * @throws BerthError `invalid-configuration` for a reference that is not closed or not known,
 *   `not-supported` for one whose feature comes later
 */
export function findReferences(template: string): Reference[] {
  return [...split(template)].flatMap((part) =>
    part.kind === 'reference' ? [{ namespace: part.namespace, name: part.name }] : [],
  );
}

/** True when the text holds `${{` that is not escaped, well-formed or not. */
export function hasReference(text: string): boolean {
  return text.includes(OPEN) && text.replaceAll(ESCAPE, ' ').includes(OPEN);
}

/** A template that resolves to exactly `plain`. */
export function escapeTemplate(plain: string): string {
  return plain.replaceAll(OPEN, () => ESCAPE); // a function, because `$$` in a replacement text means `$`
}

/**
 * The plain text of a template.
 * @param resolve gives the plain value of a reference, or null when it has none
 * @throws BerthError as `findReferences`, and `invalid-configuration` for a reference without a value
 */
export function resolveTemplate(template: string, resolve: (reference: Reference) => string | null): string {
  let plain = '';
  for (const part of split(template)) {
    if (part.kind === 'text') {
      plain += part.text;
      continue;
    }
    const value = resolve(part);
    if (value === null) {
      throw new BerthError('invalid-configuration', `\`${part.namespace}.${part.name}\` has no value`);
    }
    plain += value;
  }
  return plain;
}

/**
 * Another template, in which some references are replaced and the others are left for later.
 * @param resolve gives a *template* to put in place of a reference, or null to leave it
 * @throws BerthError as `findReferences`, and `not-supported` for the one text that no template can say:
 *   a `$` directly before a reference
 */
export function resolvePartly(template: string, resolve: (reference: Reference) => string | null): string {
  let result = '';
  let text = '';
  for (const part of expand(template, resolve)) {
    if (part.kind === 'text') {
      text += part.text; // joined before it is escaped: `$` and `{{` may come from different parts
      continue;
    }
    if (text.endsWith('$')) {
      throw new BerthError('not-supported', `\`$\` directly before ${quote(part.source)} would escape it`, {
        hint: 'put another character between them',
      });
    }
    result += escapeTemplate(text) + part.source;
    text = '';
  }
  return result + escapeTemplate(text);
}

function* expand(template: string, resolve: (reference: Reference) => string | null): Generator<Part> {
  for (const part of split(template)) {
    const replacement = part.kind === 'text' ? null : resolve(part);
    if (replacement === null) yield part;
    else yield* split(replacement);
  }
}

function* split(template: string): Generator<Part> {
  let text = '';
  let at = 0;
  while (at < template.length) {
    const next = template.indexOf('$', at);
    if (next < 0) break;
    text += template.slice(at, next);
    if (template.startsWith(ESCAPE, next)) {
      text += OPEN;
      at = next + ESCAPE.length;
    } else if (template.startsWith(OPEN, next)) {
      const end = template.indexOf(CLOSE, next);
      if (end < 0) {
        throw new BerthError('invalid-configuration', '`${{` is not closed', {
          hint: 'close it with `}}`, or write `$${{` for the characters themselves',
        });
      }
      if (text !== '') yield { kind: 'text', text };
      text = '';
      at = end + CLOSE.length;
      const inner = template.slice(next + OPEN.length, end).trim();
      yield { kind: 'reference', source: template.slice(next, at), ...parseReference(inner) };
    } else {
      text += '$';
      at = next + 1;
    }
  }
  text += template.slice(at);
  if (text !== '') yield { kind: 'text', text };
}

function parseReference(inner: string): Reference {
  const word = /^[A-Za-z_][A-Za-z0-9_]*/.exec(inner)?.[0] ?? '';
  const later = Object.hasOwn(LATER, word) ? LATER[word] : undefined;
  if (later !== undefined || inner === 'run.project_name') {
    throw new BerthError('not-supported', `${quote(`\${{ ${inner} }}`)} is not yet supported`, {
      hint: `it belongs to ${later ?? 'gateways'}`,
    });
  }
  const namespace = NAMESPACES.find((known) => known === word);
  const name = inner.slice(word.length + 1);
  if (namespace === undefined || inner.charAt(word.length) !== '.' || !NAMES[namespace].test(name)) {
    const near = nearestWord(inner, ['run.args']) ?? nearestWord(word, NAMESPACES);
    throw new BerthError('invalid-configuration', `${quote(`\${{ ${inner} }}`)} is not known`, {
      hint:
        near !== null && near !== inner
          ? `did you mean \`${near === 'env' || near === 'secrets' ? `${near}.NAME` : 'run.args'}\`? Write \`$\${{\` for the characters themselves`
          : `known are ${oneOf(['env.NAME', 'secrets.NAME', 'run.args'])}; write \`$\${{\` for the characters themselves`,
    });
  }
  return { namespace, name };
}
