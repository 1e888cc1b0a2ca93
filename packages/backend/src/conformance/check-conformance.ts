/** Runs the checks, one after the other, each with its own tokens and a limit of time, and tells of each. */
import type { ConformanceReport, RuleFailure, RuleResult } from '@berth/core/backend-tool';
import type { AnyBackendDefinition } from '../contract.ts';
import { Bench } from './bench.ts';
import { Failed, infoOf, type Rule, Skipped, wordsOf } from './rule.ts';
import { Stage, type StageOptions } from './stage.ts';

export interface CheckOptions extends StageOptions {
  readonly rules: readonly Rule[];
  /** Hears of each as it is known. */
  readonly told: (result: RuleResult) => void;
  /** Hears which one runs. */
  readonly progress?: (rule: Rule) => void;
}

/** Nothing that a fake does takes longer; a check makes up to some twenty calls. */
const FAKE_CHECK_MS = 30_000;
const INTERRUPTED = 'it was interrupted, or the time was over';
/** Requests that are shown with a failure. */
const SHOWN_REQUESTS = 8;

export async function checkConformance(options: CheckOptions): Promise<ConformanceReport> {
  const { definition, fake, live, rules, told, progress = () => {} } = options;
  const stage = new Stage(options);
  const began = Date.now();
  const results: RuleResult[] = [];
  for (const rule of rules.filter((one) => isAbout(definition, one))) {
    if (!options.signal.aborted) progress(rule);
    const result = options.signal.aborted ? notBegun(rule) : await checkOne(stage, rule);
    results.push(result);
    told(result);
  }
  await stage.removeShared().catch(() => []); // W6 told of it
  const count = (outcome: RuleResult['outcome']): number => results.filter((one) => one.outcome === outcome).length;
  return {
    backend: definition.type,
    title: definition.title,
    against: live !== null ? 'account' : fake !== null ? 'fake' : 'nothing',
    ok: count('failed') === 0 && !options.signal.aborted,
    interrupted: options.signal.aborted,
    passed: count('passed'),
    failed: count('failed'),
    skipped: count('skipped'),
    ms: Date.now() - began,
    spent: live?.purse.spent ?? 0,
    results,
  };
}

/** On a price list nothing is ever made (C13). */
function isAbout({ compute }: AnyBackendDefinition, { offline, appliesTo }: Rule): boolean {
  return compute !== undefined || offline === true || appliesTo === 'price-list';
}

function notBegun(rule: Rule): RuleResult {
  return { ...infoOf(rule), ms: 0, outcome: 'skipped', reason: INTERRUPTED, failures: [] };
}

async function checkOne(stage: Stage, rule: Rule): Promise<RuleResult> {
  const { live, fake, signal, proxies } = stage.options;
  const began = Date.now();
  const end = new AbortController();
  const bench = new Bench(stage, rule.id, AbortSignal.any([signal, end.signal]));
  const limitMs = live === null ? FAKE_CHECK_MS : live.purse.remainingMs;
  const timer = setTimeout(() => end.abort(new Failed(`an end within ${limitMs / 1000} s`, 'none')), limitMs);
  const firstRequest = proxies.map(({ seen }) => seen.length);
  let thrown: unknown = null;
  try {
    await requireFit(stage, rule);
    live?.purse.requireTime();
    await Promise.race([rule.check(bench), aborted(AbortSignal.any([signal, end.signal]))]);
  } catch (error) {
    thrown = error;
  } finally {
    clearTimeout(timer);
    if (fake !== null || live !== null) await bench.clean();
  }
  const info = { ...infoOf(rule), ms: Date.now() - began };
  if (thrown === null) return { ...info, outcome: 'passed', reason: null, failures: [] };
  if (thrown instanceof Skipped) return { ...info, outcome: 'skipped', reason: thrown.message, failures: [] };
  if (signal.aborted) return { ...info, outcome: 'skipped', reason: INTERRUPTED, failures: [] };
  const requests = proxies.flatMap(({ seen }, index) => seen.slice(firstRequest[index]));
  const failure: RuleFailure = {
    did: stage.redact(bench.steps.join('; ')),
    expected: thrown instanceof Failed ? thrown.expected : 'no error',
    came: stage.redact(thrown instanceof Failed ? thrown.came : wordsOf(thrown)),
    hint: (thrown instanceof Failed ? thrown.hint : null) ?? rule.hint,
    requests: requests.slice(-SHOWN_REQUESTS).map(({ method, path, status, fault }) => {
      const answer = fault === null ? `${status ?? 'no answer'}` : `${fault}`;
      return stage.redact(`${method} ${path.split('?')[0]} → ${answer}`);
    }),
  };
  return { ...info, outcome: 'failed', reason: null, failures: [failure] };
}

/** @throws Skipped where the backend, or what it is held against, has not what the check is about */
async function requireFit(stage: Stage, rule: Rule): Promise<void> {
  const { definition, live, fake, fakeProblem } = stage.options;
  const { appliesTo = 'all' } = rule;
  if (rule.offline === true) return;
  if (appliesTo === 'price-list') {
    if (definition.catalog.kind === 'owned') throw new Skipped('it sells nothing: its machines are the user’s own');
  } else if (definition.compute === undefined) {
    throw new Skipped('it is a price list, without machines (C13)');
  } else {
    if (live === null && fake === null) throw new Skipped(`it has no fake: ${fakeProblem ?? 'see K1'}`);
    if (appliesTo === 'names') {
      if (definition.limits.tags) throw new Skipped('its cloud has tags');
    } else if (appliesTo === 'vm' || appliesTo === 'container') {
      if (definition.kind !== appliesTo) throw new Skipped(`it is of kind ${definition.kind}`);
    } else if (['process', 'user-data', 'ssh', 'entrypoint'].includes(appliesTo)) {
      if (definition.agentStart !== appliesTo) throw new Skipped(`its agents start by ${definition.agentStart}`);
    } else if (appliesTo !== 'all') {
      const { facets } = await stage.backend();
      if (!facets.some((facet) => facet === appliesTo)) throw new Skipped(`it has no facet \`${appliesTo}\``);
    }
  }
  if (live !== null && rule.live !== true) throw new Skipped('only a fake can show it');
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const tell = (): void => reject(signal.reason);
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell, { once: true });
  });
}
