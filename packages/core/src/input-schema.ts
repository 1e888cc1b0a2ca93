import { z } from 'zod';

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * JSON Schema (2020-12) of what a person writes, not of what the parsers make of it. What JSON Schema cannot
 * say fits anything.
 */
export function inputJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // Limits of JavaScript's integers say nothing to a person.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
}
