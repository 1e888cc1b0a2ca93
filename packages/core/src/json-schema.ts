import { z } from 'zod';
import { fleetSchema } from './fleet.ts';
import { profilesFileSchema } from './profile.ts';
import { taskSchema } from './task.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * JSON Schema (2020-12) of configuration files, for editors: made from the schemas that check them, with
 * the grammars of their strings as patterns. What depends on several fields only `apply` can tell.
 */
export function configurationJsonSchema(): JsonSchema {
  return {
    ...generate(z.union([taskSchema, fleetSchema])),
    title: 'Berth configuration',
    description: 'A task or a fleet.',
  };
}

/** The same for `profiles.yml`. */
export function profilesJsonSchema(): JsonSchema {
  return generate(profilesFileSchema);
}

function generate(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    target: 'draft-2020-12',
    io: 'input', // what a person writes, not what the parsers make of it
    override: ({ jsonSchema }) => {
      // Limits of JavaScript's integers say nothing to a person.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
}
