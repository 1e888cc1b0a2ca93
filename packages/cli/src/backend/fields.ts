/** What a JSON Schema asks for, as questions with one answer each. */
import { nearestWord } from '@berth/core/nearest';
import { oneOf } from '@berth/core/quote';
import { usageError } from '../usage-error.ts';

export interface Choice {
  readonly value: string;
  readonly title?: string | undefined;
}

export interface Field {
  readonly name: string;
  readonly description: string | null;
  /** Asked for without echo, and never a word of a command line. */
  readonly secret: boolean;
  readonly required: boolean;
  /** Undefined: there is none. */
  readonly default: unknown;
  /** `data`: anything else, written as YAML. */
  readonly kind: 'text' | 'number' | 'integer' | 'boolean' | 'list' | 'data';
  /** Null: anything may be written. */
  readonly choices: readonly Choice[] | null;
}

type Schema = Readonly<Record<string, unknown>>;

/** Of a schema of a map; of any other there are none. */
export function fieldsOf(schema: Schema): readonly Field[] {
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(isMap(schema.properties) ? schema.properties : {}).map(([name, written]): Field => {
    const outer = isMap(written) ? written : {};
    const inner = { ...notNull(outer), ...outer };
    return {
      name,
      description: typeof inner.description === 'string' ? inner.description : null,
      secret: inner.writeOnly === true,
      required: required.includes(name),
      default: inner.default,
      kind: kindOf(inner),
      choices: choicesOf(inner),
    };
  });
}

/**
 * The value that a text means.
 * @throws BerthError
 */
export async function readAnswer(field: Field, text: string): Promise<unknown> {
  const refuse = (what: string): never => {
    // What was typed for a secret is not repeated.
    throw usageError(`\`${field.name}\` ${what}${field.secret ? '' : `, not \`${text}\``}`);
  };
  switch (field.kind) {
    case 'text': {
      if (field.choices === null || field.choices.some(({ value }) => value === text)) return text;
      return refuse(`must be ${oneOf(field.choices.map(({ value }) => value))}`);
    }
    case 'number':
    case 'integer': {
      const value = Number(text);
      const isGood =
        text.trim() !== '' && Number.isFinite(value) && (field.kind === 'number' || Number.isInteger(value));
      return isGood ? value : refuse(field.kind === 'number' ? 'must be a number' : 'must be a whole number');
    }
    case 'boolean':
      if (/^(y|yes|true|on)$/i.test(text)) return true;
      return /^(n|no|false|off)$/i.test(text) ? false : refuse('must be yes or no');
    case 'list':
      return text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== '');
    case 'data': {
      const { parse } = await import('yaml');
      try {
        return parse(text) as unknown;
      } catch {
        return refuse('must be YAML or JSON');
      }
    }
  }
}

/** @throws BerthError with the nearest one */
export function fieldNamed(fields: readonly Field[], name: string): Field {
  const found = fields.find((field) => field.name === name);
  if (found !== undefined) return found;
  const names = fields.map((field) => field.name);
  const near = nearestWord(name, names);
  const hint =
    near !== null
      ? `did you mean \`${near}\`?`
      : names.length === 0
        ? 'there is nothing to set'
        : `there is ${oneOf(names)}`;
  throw usageError(`there is no field \`${name}\` to set`, hint);
}

function isMap(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of `something or null`, the something. */
function notNull(schema: Schema): Schema {
  const forms = Array.isArray(schema.anyOf) ? schema.anyOf.filter(isMap) : [];
  const real = forms.filter(({ type }) => type !== 'null');
  return real.length === 1 ? (real[0] ?? {}) : {};
}

function kindOf({ type, items, enum: values }: Schema): Field['kind'] {
  if (type === 'string' || Array.isArray(values)) return 'text';
  if (type === 'number' || type === 'integer' || type === 'boolean') return type;
  if (type === 'array' && isMap(items) && items.type === 'string') return 'list';
  return 'data';
}

function choicesOf({ enum: values }: Schema): readonly Choice[] | null {
  if (!Array.isArray(values)) return null;
  return values.filter((value) => typeof value === 'string').map((value) => ({ value }));
}
