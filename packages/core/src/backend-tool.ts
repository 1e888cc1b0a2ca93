/**
 * What the command line has done for those who add a cloud, without a server. The tool lies in a bundle of
 * its own, which the command line loads by its path; only plain data passes between them.
 */

import type { ToolOptions } from './tool-options.ts';

export type BackendToolOptions = ToolOptions;

/** What the module of the tool exports. */
export interface BackendToolModule {
  openBackendTool(options: BackendToolOptions): Promise<BackendTool>;
}

export interface BackendTool {
  /**
   * Writes the folder of a new backend, which compiles and fails its check.
   * @throws BerthError `invalid-request` or `conflict`; nothing is written then
   */
  create(options: NewBackendOptions): Promise<NewBackendFolder>;
  /** Every check of the conformance kit, in the order in which they run. */
  rules(): Promise<readonly RuleInfo[]>;
  /**
   * Holds a backend against the rules of the contract; `told` hears of each as it is known.
   * @throws BerthError `not-found` for a backend that is none, `invalid-request` for a rule that is none
   */
  check(name: string, options: CheckToolOptions, told: (result: RuleResult) => void): Promise<ConformanceReport>;
  /**
   * Removes what earlier live checks made and could not remove, by their journals and by what the account lists.
   * Resolves with the names of the machines that were terminated.
   */
  clean(name: string, options: LiveOptions): Promise<readonly string[]>;
}

export interface NewBackendOptions {
  /** As people write it: `FluffyCloud`. */
  readonly title: string;
  readonly kind: 'vm' | 'container';
  readonly catalog: 'offline' | 'online';
  /** Null: `backends/<type>` in a clone, else `berth-backend-<type>` here. */
  readonly out: string | null;
}

export interface NewBackendFolder {
  /** Absolute. */
  readonly dir: string;
  readonly type: string;
  /** Relative to `dir`, in the order in which they are read. */
  readonly files: readonly string[];
  /** What `check` is given as its name. */
  readonly checkName: string;
  /** What must be done before it can be checked; empty: nothing. */
  readonly before: readonly string[];
}

export interface RuleInfo {
  /** `C2.3`: the third check of rule C2. */
  readonly id: string;
  readonly title: string;
  /** What goes wrong for users where it is broken. */
  readonly why: string;
  /** Whom it concerns: `all`, a kind, a facet or a way to start an agent. */
  readonly appliesTo: string;
  /** Whether a real account can show it. */
  readonly live: boolean;
}

export interface CheckToolOptions {
  /** Rules (`C2`) or single checks (`C2.3`); empty: all. */
  readonly rules: readonly string[];
  /** Null: against the fake. */
  readonly live: LiveOptions | null;
}

export interface LiveOptions {
  /** US dollars; no machine is made that could take the whole above it. */
  readonly maxSpend: number;
  readonly maxTimeMs: number;
  /** A file with the backend's entry as in config.yml; null: the configured one, else the environment. */
  readonly entryFile: string | null;
}

export type RuleOutcome = 'passed' | 'failed' | 'skipped';

export interface RuleResult extends RuleInfo {
  readonly outcome: RuleOutcome;
  readonly ms: number;
  /** Why it was skipped; null: it was not. */
  readonly reason: string | null;
  /** One for each thing that is wrong. */
  readonly failures: readonly RuleFailure[];
}

export interface RuleFailure {
  readonly did: string;
  readonly expected: string;
  readonly came: string;
  readonly hint: string;
  /** The last requests that were seen, without secrets; empty where none can be seen. */
  readonly requests: readonly string[];
}

export interface ConformanceReport {
  readonly backend: string;
  readonly title: string;
  /** What it was held against. */
  readonly against: 'fake' | 'account' | 'nothing';
  /** No rule failed, and all were looked at that could be. */
  readonly ok: boolean;
  /** Somebody ended it before its time. */
  readonly interrupted: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly ms: number;
  /** US dollars at most, by price and time begun; 0 on a fake. */
  readonly spent: number;
  readonly results: readonly RuleResult[];
}
