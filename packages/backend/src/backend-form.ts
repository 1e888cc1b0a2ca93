import { inputJsonSchema, type JsonSchema } from '@berth/core/input-schema';
import type { ZodType } from 'zod';
import type { AnyBackendDefinition, BackendKind } from './contract.ts';

/**
 * What there is to fill in for a backend, as data: from it come the questions of `berth backend add`, the API's
 * answer to those who ask, and the reference documentation. A secret's field is `writeOnly` (`secret`).
 */
export interface BackendForm {
  readonly type: string;
  readonly title: string;
  readonly kind: BackendKind;
  /** False: it is a price list so far (C13), and cannot be configured. */
  readonly createsMachines: boolean;
  readonly config: JsonSchema;
  /** By kind, in the order of the definition; `default` means ambient ones. */
  readonly credentials: Readonly<Record<string, JsonSchema>>;
}

export function formOf(definition: AnyBackendDefinition): BackendForm {
  const { type, title, kind, config, credentials, compute } = definition;
  return {
    type,
    title,
    kind,
    createsMachines: compute !== undefined,
    config: schemaOf(config),
    credentials: Object.fromEntries(Object.entries(credentials).map(([name, schema]) => [name, schemaOf(schema)])),
  };
}

/** A schema of another make than zod 4's says nothing of itself: whatever is written is checked by it, later. */
function schemaOf(schema: ZodType): JsonSchema {
  if (!('_zod' in schema)) return { type: 'object' };
  const { $schema: _, ...rest } = inputJsonSchema(schema);
  return rest;
}
