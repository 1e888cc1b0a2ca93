import type { AgentStartKind, BackendKind, Compute, Facet } from './contract.ts';
import { FACETS } from './contract.ts';

type MethodsOf<F extends Facet> = readonly (keyof NonNullable<Compute[F]> & string)[];

/** What a facet must have to be one: a half of it would be found out only when somebody needs the rest. */
const MEMBERS: { readonly [F in Facet]: MethodsOf<F> } = {
  agent: ['start'],
  offers: ['availability'],
  suspend: ['stop', 'start'],
  ports: ['open', 'close', 'list'],
  volumes: ['create', 'register', 'list', 'delete', 'attach', 'detach'],
  placement: ['create', 'list', 'delete'],
  group: ['max', 'create'],
  gateways: ['create', 'list', 'terminate'],
  reservations: ['list'],
  images: ['resolve'],
  bootstrap: ['whenUnused', 'ensure', 'remove'],
};

/** Members that are not functions, with what they must be. */
const VALUES: Readonly<Record<string, { readonly fits: (value: unknown) => boolean; readonly words: string }>> = {
  'group.max': { fits: (value) => Number.isInteger(value) && Number(value) > 0, words: 'a number above zero' },
  'bootstrap.whenUnused': { fits: (value) => value === 'remove' || value === 'keep', words: '"remove" or "keep"' },
};

/** What a compute lacks (C8, C10), one sentence each; empty: nothing. It may come from JavaScript. */
export function computeProblems(compute: unknown): readonly string[] {
  if (typeof compute !== 'object' || compute === null) return ['its `compute` returned no object (C10)'];
  const members = compute as Readonly<Record<string, unknown>>; // any object can be asked for its members
  const problems = (['create', 'list', 'terminate'] as const)
    .filter((name) => typeof members[name] !== 'function')
    .map((name) => `its compute has no \`${name}\`, which every compute needs (C10)`);
  for (const facet of FACETS) {
    const value = members[facet];
    if (value === undefined) continue;
    if (typeof value !== 'object' || value === null) {
      problems.push(`its facet \`${facet}\` is no object (C8)`);
      continue;
    }
    const parts = value as Readonly<Record<string, unknown>>;
    for (const name of MEMBERS[facet]) {
      const rule = VALUES[`${facet}.${name}`];
      if (rule !== undefined && !rule.fits(parts[name])) {
        problems.push(`\`${facet}.${name}\` must be ${rule.words} (C8)`);
      } else if (rule === undefined && typeof parts[name] !== 'function') {
        problems.push(`its facet \`${facet}\` has no \`${name}\`: a facet that is there must work (C8)`);
      }
    }
  }
  return problems;
}

/** How the agent may get onto machines of a kind. */
export const STARTS_OF: Readonly<Record<BackendKind, readonly AgentStartKind[]>> = {
  vm: ['process', 'user-data', 'ssh'],
  container: ['entrypoint'],
};
