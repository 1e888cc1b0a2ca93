import type { z } from 'zod';
import { knownAcceleratorNames, resolveAccelerator } from './accelerators.ts';
import { type AcceleratorLookup, resolveGpuNames } from './gpu-spec.ts';
import type { ProblemList } from './problems.ts';
import { type Resources, resourcesSchema } from './resources.ts';
import { problemsOf } from './schema-issues.ts';

/** Steps that tasks and fleets share. */

const REGISTRY: AcceleratorLookup = {
  resolve: resolveAccelerator,
  get names() {
    return knownAcceleratorNames();
  },
};

/** What the schema makes of `source`, or null, and then `problems` says why. */
export function readFields<T extends z.ZodType>(source: unknown, schema: T, problems: ProblemList): z.output<T> | null {
  const parsed = schema.safeParse(source);
  if (parsed.success) return parsed.data;
  problems.addAll(problemsOf(parsed.error.issues, schema, source));
  return null;
}

/**
 * `resources` with canonical names of accelerators. Looks at them by themselves, so that an unknown name
 * is told together with what is wrong elsewhere.
 */
export function checkResources(
  source: unknown,
  problems: ProblemList,
  accelerators: AcceleratorLookup = REGISTRY,
): Resources | null {
  const parsed = resourcesSchema.nullish().safeParse(source);
  const resources = parsed.success ? (parsed.data ?? null) : null; // a failure is told by the whole schema
  const gpu = resources?.gpu;
  if (resources === null || gpu == null) return resources;
  return {
    ...resources,
    gpu: problems.attempt(['resources', 'gpu'], gpu, () => resolveGpuNames(gpu, accelerators)),
  };
}
