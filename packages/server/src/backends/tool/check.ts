/** Holds a backend against the rules of the contract: on the fake that its folder ships, or on a real account. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AnyBackendDefinition } from '@berth/backend';
import { type CheckOptions, checkConformance } from '@berth/backend/conformance/check-conformance';
import { conformanceOf, openFake } from '@berth/backend/conformance/open-fake';
import { infoOf } from '@berth/backend/conformance/rule';
import { chosenRules, RULES } from '@berth/backend/conformance/rules';
import type {
  BackendToolOptions,
  CheckToolOptions,
  ConformanceReport,
  LiveOptions,
  RuleInfo,
  RuleResult,
} from '@berth/core/backend-tool';
import { BerthError } from '@berth/core/errors';
import { type FoundBackend, findBackend } from './find-backend.ts';
import { cleanAccount, openAccount, workMs } from './live-account.ts';

/** In a clone this file is TypeScript; in an installed package it is part of a bundle beside the tool. */
const isSource = import.meta.url.endsWith('.ts');
const TOOL = new URL(isSource ? '../../backend-tool.ts' : './backend-tool.js', import.meta.url).href;

type Common = Omit<CheckOptions, 'fake' | 'proxies' | 'live' | 'fakeProblem'>;

export function ruleInfos(): readonly RuleInfo[] {
  return RULES.map(infoOf);
}

export async function checkBackend(
  tool: BackendToolOptions,
  name: string,
  options: CheckToolOptions,
  told: (result: RuleResult) => void,
): Promise<ConformanceReport> {
  const rules = chosenRules(options.rules);
  const backend = await findBackend(name, tool);
  const dir = await mkdtemp(join(tmpdir(), 'berth-check-'));
  try {
    const common: Common = {
      definition: backend.definition,
      module: backend.module,
      preload: TOOL,
      otherTypes: backend.otherTypes,
      dir,
      signal: tool.signal,
      rules,
      told,
      progress: ({ id, title }) => tool.progress(`${id} ${title}`),
    };
    return options.live === null ? await onFake(backend, common) : await onAccount(tool, options.live, common);
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function onFake(backend: FoundBackend, common: Common): Promise<ConformanceReport> {
  const none = { ...common, fake: null, proxies: [], live: null };
  const conformance = await conformanceOf(backend.dir);
  if (typeof conformance === 'string') return await checkConformance({ ...none, fakeProblem: conformance });
  let opened: Awaited<ReturnType<typeof openFake>>;
  try {
    opened = await openFake(conformance, common.dir);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return await checkConformance({ ...none, fakeProblem: `the fake does not start: ${reason}` });
  }
  try {
    const { fake, proxies } = opened;
    return await checkConformance({ ...common, fake, proxies, live: null, fakeProblem: null });
  } finally {
    await opened.close();
  }
}

async function onAccount(tool: BackendToolOptions, options: LiveOptions, common: Common): Promise<ConformanceReport> {
  requireMachines(common.definition);
  const account = await openAccount(tool, common.definition, options);
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), workMs(options));
  try {
    const signal = AbortSignal.any([common.signal, end.signal]);
    const report = await checkConformance({
      ...common,
      signal,
      fake: null,
      proxies: [],
      live: account,
      fakeProblem: null,
    });
    return { ...report, interrupted: tool.signal.aborted };
  } finally {
    clearTimeout(timer);
    await account.journal.end();
  }
}

export async function cleanBackend(
  tool: BackendToolOptions,
  name: string,
  options: LiveOptions,
): Promise<readonly string[]> {
  const { definition } = await findBackend(name, tool);
  requireMachines(definition);
  return await cleanAccount(tool, definition, options);
}

/** @throws BerthError `not-supported` for a price list (C13) */
function requireMachines({ compute, title }: AnyBackendDefinition): void {
  if (compute !== undefined) return;
  throw new BerthError('not-supported', `${title} is a price list: nothing is ever made there.`, {
    hint: 'Check it without `--live`.',
  });
}
