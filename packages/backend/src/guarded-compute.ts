import { asBackendError, BackendError, type BackendErrorCode } from './backend-error.ts';
import { type Call, type Compute, type Facet, facetsOf } from './contract.ts';
import { withDeadline } from './deadline.ts';
import type { Redactor } from './redaction.ts';

/** Longest wait for each call to a backend, in ms. The caller's own signal may cut it shorter. */
export interface Deadlines {
  readonly configure: number;
  readonly query: number;
  readonly create: number;
  readonly list: number;
  readonly terminate: number;
  readonly agentStart: number;
  /** Methods of facets that only look. */
  readonly facetRead: number;
  /** Methods of facets that change something. */
  readonly facetChange: number;
}

/**
 * `create` is the longest: some clouds answer with the id only after they found a host, and one that is
 * given up must be looked for. `query` is what a person waits for in front of a plan.
 */
export const DEFAULT_DEADLINES: Deadlines = {
  configure: 30_000,
  query: 15_000,
  create: 120_000,
  list: 60_000,
  terminate: 60_000,
  agentStart: 60_000,
  facetRead: 30_000,
  facetChange: 120_000,
};

export interface Guard {
  readonly deadlines: Deadlines;
  readonly redactor: Redactor;
}

/** How a call that was cut short counts: those that may have changed something are `unknown`. */
const CODE_WHEN_CUT: Readonly<Record<keyof Deadlines, BackendErrorCode>> = {
  configure: 'transient',
  query: 'transient',
  create: 'unknown',
  list: 'transient',
  terminate: 'unknown',
  agentStart: 'unknown',
  facetRead: 'transient',
  facetChange: 'unknown',
};

/** One call to a backend with its deadline (C5), its errors mapped (C6) and its secrets taken out (C7). */
export async function guarded<T>(
  guard: Guard,
  what: keyof Deadlines,
  call: Call,
  run: (call: Call) => Promise<T>,
): Promise<T> {
  const deadline = { what, afterMs: guard.deadlines[what], codeWhenCut: CODE_WHEN_CUT[what] };
  try {
    return await withDeadline(deadline, { ...call, log: guard.redactor.logger(call.log) }, run);
  } catch (error) {
    throw guard.redactor.error(openOutcome(what, error));
  }
}

/** Calls that make something: what they may have made is looked for before anything else. */
const MAKING: ReadonlySet<keyof Deadlines> = new Set(['create', 'facetChange']);

/**
 * Of a request, `transient` means that it may be sent again, as those with a token may; of the contract, that nothing
 * was done. A backend that knows the second says so with a `BackendError`.
 */
function openOutcome(what: keyof Deadlines, error: unknown): BackendError {
  const told = asBackendError(error);
  if (!MAKING.has(what) || told.code !== 'transient' || told === error) return told;
  return new BackendError('unknown', told.message, { scope: told.scope, cause: error });
}

/** A compute with the guard around every call. `changed` runs after each call that may have changed the stock. */
export function guardedCompute(compute: Compute, guard: Guard, changed: () => void): Compute {
  const changing = <T>(what: keyof Deadlines, call: Call, run: (call: Call) => Promise<T>): Promise<T> =>
    guarded(guard, what, call, run).finally(changed);
  return {
    create: (request, call) => changing('create', call, (inner) => compute.create(request, inner)),
    list: (call) => guarded(guard, 'list', call, (inner) => compute.list(inner)),
    terminate: (ref, call) => changing('terminate', call, (inner) => compute.terminate(ref, inner)),
    ...Object.fromEntries(facetsOf(compute).map((facet) => [facet, guardedFacet(compute, facet, guard)])),
  };
}

/** Facet methods that change nothing: cut short, they can simply be asked again. */
const READING: ReadonlySet<string> = new Set(['list', 'availability', 'resolve']);

/** The call is the last argument of every method of every facet, so one guard fits all. */
function guardedFacet<F extends Facet>(compute: Compute, facet: F, guard: Guard): Compute[F] {
  // Its shape was checked (`facet-shape.ts`); which facet it is does not matter here.
  const bare = compute[facet] as unknown as Readonly<Record<string, unknown>>;
  const parts = Object.entries(bare).map(([name, part]) => {
    if (typeof part !== 'function') return [name, part];
    const what = facet === 'agent' ? 'agentStart' : READING.has(name) ? 'facetRead' : 'facetChange';
    const method = (...args: readonly unknown[]): Promise<unknown> =>
      guarded(guard, what, args.at(-1) as Call, async (inner) => await part.apply(bare, [...args.slice(0, -1), inner]));
    return [name, method];
  });
  return Object.fromEntries(parts) as Compute[F];
}
