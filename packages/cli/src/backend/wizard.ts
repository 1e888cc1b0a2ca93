/** What `berth backend add` finds out before anything is stored: from flags and files, and by asking for the rest. */
import type { BackendChoicesView, BackendTypeView } from '@berth/core/api-schemas';
import { BerthError } from '@berth/core/errors';
import { nearestWord } from '@berth/core/nearest';
import { oneOf } from '@berth/core/quote';
import { usageError } from '../usage-error.ts';
import { type Asker, askField, askOne } from './asker.ts';
import type { WrittenCredentials } from './credentials-file.ts';
import { type Field, fieldNamed, fieldsOf, readAnswer } from './fields.ts';

export interface Given {
  readonly name: string;
  readonly type: string | null;
  /** Of the one that is replaced; what is set or asked for comes on top. */
  readonly config: Readonly<Record<string, unknown>>;
  /** `key=value`. */
  readonly set: readonly string[];
  readonly kind: string | null;
  readonly credentials: WrittenCredentials | null;
}

export interface Submission {
  readonly type: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly credentials: { readonly kind: string; readonly value: Readonly<Record<string, unknown>> | null };
}

export interface WizardParts {
  readonly types: readonly BackendTypeView[];
  /** Null: nobody can be asked. */
  readonly asker: Asker | null;
  /** Asks the cloud; throws what it refuses. */
  readonly choices: (submission: Submission) => Promise<BackendChoicesView>;
}

/**
 * @throws BerthError naming everything that is missing, where nobody can be asked
 */
export async function fillIn(given: Given, parts: WizardParts): Promise<Submission> {
  const { asker } = parts;
  const type = await chooseType(given, parts);
  const missing: string[] = [];
  const fields = fieldsOf(type.config ?? {});
  const { kind, written } = await chooseKind(given, type, asker, missing);
  const own = fieldsOf(type.credentials.find((one) => one.kind === kind)?.schema ?? {});
  const config: Record<string, unknown> = { ...given.config };
  const value: Record<string, unknown> = typeof written === 'string' ? alone(written, own) : { ...written };
  for (const { field, text } of settings(given.set, [...fields, ...own])) {
    if (field.secret) {
      throw usageError(
        `\`${field.name}\` is secret, and other users can see the words of a command`,
        'pass it with `--credentials-file`, or be asked for it on a terminal',
      );
    }
    (own.includes(field) ? value : config)[field.name] = await readAnswer(field, text);
  }
  for (const field of own) {
    if (field.name in value) continue;
    if (asker === null) missing.push(...(field.required ? [`\`${field.name}\` (with \`--credentials-file\`)`] : []));
    else assign(value, field, await askField(asker, field));
  }
  const isNeeded = (field: Field): boolean => field.required && field.default === undefined;
  for (const field of fields) {
    if (field.name in config || !isNeeded(field)) continue;
    if (asker === null) missing.push(`\`${field.name}\` (with \`--set ${field.name}=…\`)`);
    else assign(config, field, await askField(asker, field));
  }
  if (missing.length > 0) {
    throw usageError(
      `this needs ${missing.join(', ')}, and standard input is no terminal to ask on`,
      `\`berth backend types\` shows what there is`,
    );
  }
  const submission = { type: type.type, config, credentials: { kind, value: own.length === 0 ? null : value } };
  if (asker === null) return submission;
  const { account, choices } = await parts.choices(submission);
  asker.say(`Account: ${account}\n`);
  for (const field of fields) {
    if (!(field.name in config)) assign(config, field, await askField(asker, field, choices[field.name] ?? []));
  }
  return submission;
}

async function chooseType({ name, type }: Given, { types, asker }: WizardParts): Promise<BackendTypeView> {
  const usable = types.filter(({ status, creates_machines }) => status === 'available' && creates_machines);
  const wanted =
    type ??
    types.find((one) => one.type === name)?.type ??
    (asker === null
      ? null
      : await askOne(
          asker,
          'Which cloud?',
          usable.map((one) => ({ value: one.type, title: one.title })),
        ));
  if (wanted === null) {
    const near = nearestWord(
      name,
      usable.map((one) => one.type),
    );
    throw usageError(
      `there is no backend of type \`${name}\`, and standard input is no terminal to ask on`,
      near === null
        ? 'add `--type`; `berth backend types` shows those that there are'
        : `did you mean \`${near}\`? Another name goes with \`--type ${near}\``,
    );
  }
  const found = types.find((one) => one.type === wanted);
  if (found === undefined) {
    const near = nearestWord(
      wanted,
      types.map((one) => one.type),
    );
    const hint = near === null ? '`berth backend types` shows those that there are' : `did you mean \`${near}\`?`;
    throw usageError(`there is no backend of type \`${wanted}\``, hint);
  }
  if (found.status === 'unavailable') {
    throw new BerthError(
      'not-supported',
      `The backend ${found.type} cannot be used: ${found.reason ?? 'it is broken'}`,
    );
  }
  if (!found.creates_machines) {
    throw new BerthError('not-supported', `Berth has only the price list of ${found.title} so far.`, {
      hint: 'Its offers are shown anyway: `berth offer`.',
    });
  }
  return found;
}

async function chooseKind(
  given: Given,
  type: BackendTypeView,
  asker: Asker | null,
  missing: string[],
): Promise<{ readonly kind: string; readonly written: WrittenCredentials }> {
  const kinds = type.credentials.map((one) => one.kind);
  // As under `creds` in config.yml, a file may say itself of which kind it is.
  const { type: said, ...rest } = typeof given.credentials === 'string' ? {} : (given.credentials ?? {});
  const isKind = typeof said === 'string' && kinds.includes(said);
  const written = isKind ? rest : (given.credentials ?? {});
  const wanted = given.kind ?? (isKind ? said : null);
  if (wanted !== null) {
    if (kinds.includes(wanted)) return { kind: wanted, written };
    throw usageError(`${type.title} takes no credentials of kind \`${wanted}\``, `it takes ${oneOf(kinds)}`);
  }
  const [first] = kinds;
  if (first !== undefined && kinds.length === 1) return { kind: first, written };
  const keys = typeof written === 'string' ? [] : Object.keys(written);
  const fitting = type.credentials.filter(({ schema }) => {
    const names = fieldsOf(schema).map((field) => field.name);
    return keys.length > 0 && keys.every((key) => names.includes(key));
  });
  if (fitting.length === 1 && fitting[0] !== undefined) return { kind: fitting[0].kind, written };
  if (asker !== null) {
    return {
      kind: await askOne(
        asker,
        'Which kind of credentials?',
        kinds.map((value) => ({ value })),
      ),
      written,
    };
  }
  missing.push(`a kind of credentials (\`--credentials\` ${oneOf(kinds)})`);
  return { kind: first ?? 'default', written };
}

/** A file that holds nothing but one secret. */
function alone(text: string, fields: readonly Field[]): Record<string, unknown> {
  const [only] = fields.filter(({ required }) => required);
  if (only !== undefined && fields.filter(({ required }) => required).length === 1) return { [only.name]: text };
  const names = fields.map(({ name }) => name);
  throw usageError('the credentials are no map of keys and values', `write them as YAML or JSON, with ${oneOf(names)}`);
}

function settings(
  set: readonly string[],
  fields: readonly Field[],
): { readonly field: Field; readonly text: string }[] {
  return set.map((word) => {
    const at = word.indexOf('=');
    if (at < 1) throw usageError('`--set` takes a key and a value', 'write `--set regions=eu-1,eu-2`');
    return { field: fieldNamed(fields, word.slice(0, at)), text: word.slice(at + 1) };
  });
}

function assign(into: Record<string, unknown>, field: Field, value: unknown): void {
  if (value !== undefined) into[field.name] = value;
}
