import { BerthError } from './errors.ts';
import { findReferences, type Reference, resolveTemplate } from './interpolation.ts';
import type { WorkSpec } from './job-spec.ts';
import { nearestWord } from './nearest.ts';
import { quote } from './quote.ts';
import type { Secret } from './secret.ts';

/** Names of the secrets that the work refers to, each once, in order of appearance. */
export function secretNames(work: Pick<WorkSpec, 'env' | 'registryAuth'>): string[] {
  const templates = [...Object.values(work.env), work.registryAuth?.username ?? '', work.registryAuth?.password ?? ''];
  const references = templates.flatMap((template) => findReferences(template));
  return [...new Set(references.filter(({ namespace }) => namespace === 'secrets').map(({ name }) => name))];
}

/**
 * The work with the values of secrets in place of `${{ secrets.NAME }}`, and `$${{` as `${{`: the last
 * step before an agent gets it. The result holds secrets in the clear; it is sent, never stored or logged.
 * @throws BerthError `not-found` when there is no such secret
 */
export function revealSecrets(work: WorkSpec, secrets: ReadonlyMap<string, Secret<string>>): WorkSpec {
  const lookUp = (reference: Reference): string | null => {
    if (reference.namespace !== 'secrets') return null;
    const secret = secrets.get(reference.name);
    if (secret !== undefined) return secret.reveal();
    const near = nearestWord(reference.name, secrets.keys());
    throw new BerthError('not-found', `there is no secret ${quote(reference.name)} in this project`, {
      hint: near === null ? `make it with \`berth secret set ${reference.name}\`` : `did you mean \`secrets.${near}\`?`,
    });
  };
  const plain = (template: string): string => resolveTemplate(template, lookUp);
  return {
    ...work,
    env: Object.fromEntries(Object.entries(work.env).map(([name, template]) => [name, plain(template)])),
    registryAuth:
      work.registryAuth === null
        ? null
        : { username: plain(work.registryAuth.username), password: plain(work.registryAuth.password) },
  };
}
