import { z } from 'zod';

/** Questions about a schema that a message needs answered: which keys are known here, what is meant here. */

type Path = readonly PropertyKey[];
type AnySchema = z.core.$ZodType;

/** Keys that any form of the value at `path` may have. */
export function knownKeys(schema: AnySchema, path: Path): string[] {
  const keys = new Set<string>();
  for (const candidate of follow(schema, path)) {
    const known = candidate as z.core.$ZodTypes; // the union of zod's own classes: what every schema here is made of
    if (known._zod.def.type === 'object') for (const key of Object.keys(known._zod.def.shape)) keys.add(key);
  }
  return [...keys];
}

/** The description of the value at `path`, in the words of its schema; null: it has none. */
export function describeAt(schema: AnySchema, path: Path): string | null {
  const [first] = path.length === 0 ? [schema] : step(follow(schema, path.slice(0, -1)), path.at(-1));
  for (let at: AnySchema | null = first ?? null; at !== null; at = inner(at)) {
    const description = z.globalRegistry.get(at)?.description;
    if (description !== undefined) return description;
  }
  return null;
}

function follow(schema: AnySchema, path: Path): AnySchema[] {
  let level = forms(schema);
  for (const segment of path) level = step(level, segment).flatMap(forms);
  return level;
}

function step(level: readonly AnySchema[], segment: PropertyKey | undefined): AnySchema[] {
  return level.flatMap((candidate): AnySchema[] => {
    const { def } = (candidate as z.core.$ZodTypes)._zod; // as above
    if (def.type === 'object') {
      const member = Object.hasOwn(def.shape, segment ?? '') ? def.shape[String(segment)] : undefined;
      return member === undefined ? [] : [member];
    }
    if (def.type === 'array') return [def.element];
    return def.type === 'record' ? [def.valueType] : [];
  });
}

/** The schemas that a value may be checked with: wrappers taken off, unions spread out. */
function forms(schema: AnySchema): AnySchema[] {
  const { def } = (schema as z.core.$ZodTypes)._zod; // as above
  if (def.type === 'union') return def.options.flatMap((option) => forms(option));
  const wrapped = inner(schema);
  return wrapped === null ? [schema] : forms(wrapped);
}

function inner(schema: AnySchema): AnySchema | null {
  const { def } = (schema as z.core.$ZodTypes)._zod; // as above
  if (def.type === 'optional' || def.type === 'nullable' || def.type === 'default') return def.innerType;
  return def.type === 'pipe' ? def.in : null;
}
