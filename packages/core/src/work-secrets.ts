import { findReferences } from './interpolation.ts';
import type { WorkSpec } from './job-spec.ts';

/**
 * Names of the secrets that the work refers to, each once, in order of appearance: so that a plan can say
 * which are missing before anything is created.
 */
export function secretNames(work: Pick<WorkSpec, 'env' | 'registryAuth'>): string[] {
  const templates = [...Object.values(work.env), work.registryAuth?.username ?? '', work.registryAuth?.password ?? ''];
  const references = templates.flatMap((template) => findReferences(template));
  return [...new Set(references.filter(({ namespace }) => namespace === 'secrets').map(({ name }) => name))];
}
