/** What a check of the conformance kit is, and how it says that something is wrong. */
import type { RuleInfo } from '@berth/core/backend-tool';
import type { AgentStartKind, BackendKind, Facet } from '../contract.ts';
import type { Bench } from './bench.ts';

/** Whom a check concerns. `offline-catalog`: whoever has a price list; `names`: clouds without tags. */
export type AppliesTo = 'all' | 'names' | 'price-list' | BackendKind | Facet | AgentStartKind;

export interface Rule {
  /** `C2.3`: the third check of rule C2 of the contract. `W1`: a walk through several of them. */
  readonly id: string;
  readonly title: string;
  /** What goes wrong for users where it is broken. */
  readonly why: string;
  /** Where to look, for the author of the backend. */
  readonly hint: string;
  /** `all` when absent. */
  readonly appliesTo?: AppliesTo;
  /** True: a real account can show it too. */
  readonly live?: boolean;
  /** Needs neither account nor fake: it looks at the definition alone. */
  readonly offline?: boolean;
  /** Throws `Failed` or `Skipped`; whatever else is thrown is a failure too. */
  check(bench: Bench): Promise<void>;
}

/** What was expected did not come. */
export class Failed extends Error {
  override readonly name = 'Failed';
  readonly expected: string;
  readonly came: string;
  readonly hint: string | null;

  constructor(expected: string, came: string, hint: string | null = null) {
    super(`expected ${expected}; came ${came}`);
    this.expected = expected;
    this.came = came;
    this.hint = hint;
  }
}

/** It cannot be shown here, and why. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

export function skip(reason: string): never {
  throw new Skipped(reason);
}

export function expect(ok: boolean, expected: string, came: string, hint: string | null = null): asserts ok {
  if (!ok) throw new Failed(expected, came, hint);
}

export function infoOf({ id, title, why, appliesTo = 'all', live = false }: Rule): RuleInfo {
  return { id, title, why, appliesTo, live };
}

/** The rule of the contract that a check belongs to: `C2` of `C2.3`. */
export function groupOf(id: string): string {
  return id.split('.')[0] ?? id;
}

/** What somebody threw, for a report. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? ` ${String(error.code)}` : '';
  const scope = 'scope' in error ? ` (${String(error.scope)})` : '';
  return `${error.name}${code}${scope}: ${error.message}`;
}
