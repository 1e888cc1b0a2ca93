import type { Configuration } from '@berth/core/configuration';
import { BerthError } from '@berth/core/errors';
import type { ApplyOptions } from '../commands/apply.ts';
import {
  type ConfigurationText,
  isStandardInput,
  parseConfigurationText,
  readConfigurationFile,
} from '../configuration-file.ts';
import type { Context } from '../context.ts';
import { Interrupts } from '../interrupts.ts';
import { confirm } from '../output/confirm.ts';
import { say } from '../output/write.ts';
import { aboutFlags, placementOverrides } from '../placement-options.ts';
import { loadProfile } from '../profiles.ts';
import { usageError } from '../usage-error.ts';

/** From a configuration file to a finished run, or to a fleet. Returns the exit code. */
export async function apply(context: Context, options: ApplyOptions, args: readonly string[]): Promise<number> {
  using interrupts = new Interrupts();
  const source = await readConfigurationFile(context.cwd, options.file);
  const configuration = await parse(source, context, options, args);
  if (options.json === true && options.dryRun !== true) {
    throw usageError(
      '`--json` goes with `--dry-run`',
      'without it standard output is the log of the job; `berth run get NAME --json` tells of a run',
    );
  }
  // Whoever cannot be asked has to have said yes, and learns it before anything is done.
  if (options.yes !== true && options.dryRun !== true && (!process.stdin.isTTY || isStandardInput(options.file))) {
    throw usageError('applying needs a yes, and standard input is no terminal', 'say yes beforehand with `-y`');
  }
  const parts = {
    context,
    options,
    source,
    interrupts,
    agree: async (question: string) => options.yes === true || confirm(question),
  };
  try {
    // Awaited here: the interrupts are ours until it is over.
    if (configuration.type === 'fleet') {
      const { applyFleet } = await import('./apply-fleet.ts');
      return await applyFleet(configuration, parts);
    }
    const { applyRun } = await import('./apply-run.ts');
    return await applyRun(configuration, parts);
  } catch (error) {
    if (error === interrupts.signal.reason) say('Interrupted; nothing was submitted.\n');
    throw error;
  }
}

export interface ApplyParts {
  readonly context: Context;
  readonly options: ApplyOptions;
  readonly source: ConfigurationText;
  readonly interrupts: Interrupts;
  /** True with `-y`, or when the person says yes. */
  readonly agree: (question: string) => Promise<boolean>;
}

async function parse(
  source: ConfigurationText,
  context: Context,
  options: ApplyOptions,
  args: readonly string[],
): Promise<Configuration> {
  const overrides = overridesOf(options);
  await checkFlags(overrides);
  const profile = await loadProfile(context, options);
  return parseConfigurationText(source, context, { profile, overrides, extraEnv: options.env ?? [], args });
}

function overridesOf(options: ApplyOptions): Record<string, unknown> {
  const overrides = {
    ...placementOverrides(options),
    name: options.name,
    max_duration: options.maxDuration,
    idle_duration: options.idleDuration,
    creation_policy: options.reuse === true ? 'reuse' : undefined,
    retry: options.retry,
  };
  return Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
}

/** What a flag says wrongly is said of the flag, not of a file in which it does not stand. */
async function checkFlags(overrides: Record<string, unknown>): Promise<void> {
  if (Object.keys(overrides).length === 0) return;
  const { checkConfiguration } = await import('@berth/core/configuration');
  try {
    checkConfiguration({ type: 'task', commands: ['true'], ...overrides });
  } catch (error) {
    throw error instanceof BerthError ? aboutFlags(error) : error;
  }
}
