import { z } from 'zod';
import { fleetSchema } from './fleet.ts';
import { inputJsonSchema, type JsonSchema } from './input-schema.ts';
import { profilesFileSchema } from './profile.ts';
import { taskSchema } from './task.ts';

/**
 * JSON Schema (2020-12) of configuration files, for editors: made from the schemas that check them, with
 * the grammars of their strings as patterns. What depends on several fields only `apply` can tell.
 */
export function configurationJsonSchema(): JsonSchema {
  return {
    ...inputJsonSchema(z.union([taskSchema, fleetSchema])),
    title: 'Berth configuration',
    description: 'A task or a fleet.',
  };
}

/** The same for `profiles.yml`. */
export function profilesJsonSchema(): JsonSchema {
  return inputJsonSchema(profilesFileSchema);
}
