// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${{ … }}` is what hints tell people to write
import { checkResources, readFields } from './check-fields.ts';
import type { CheckedTask, CheckOptions, JsonMap } from './configuration.ts';
import { fillArguments, fillEnv } from './configuration-templates.ts';
import { envSchema, resolveEnv } from './env-spec.ts';
import { resolveTemplate } from './interpolation.ts';
import type { ProblemList } from './problems.ts';
import { quote } from './quote.ts';
import { taskSchema } from './task.ts';

/** The task that `source` describes, or null, and then `problems` says why. */
export function checkTask(source: JsonMap, problems: ProblemList, options: CheckOptions): CheckedTask | null {
  const task = readFields(source, taskSchema, problems);
  const resources = checkResources(source.resources, problems, options.accelerators);
  const env = checkEnv(source.env, problems, options.environment ?? {});
  if (task === null || problems.all.length > 0) return null;
  const auth = task.registry_auth ?? null;
  const filled = (field: 'username' | 'password', template: string): string =>
    problems.attempt(['registry_auth', field], template, () => fillEnv(template, env));
  const registryAuth =
    auth === null ? null : { username: filled('username', auth.username), password: filled('password', auth.password) };
  const commands = takeArguments(task.commands ?? [], problems, options.args ?? null);
  const plain = commands.map((command, index) =>
    problems.attempt(['commands', index], command, () => resolveTemplate(command, () => null)),
  );
  return {
    type: 'task',
    name: task.name ?? null,
    fields: { ...task, resources, env, commands: plain, registry_auth: registryAuth },
    source: {
      ...source,
      ...(task.env == null ? {} : { env }),
      ...(task.commands == null ? {} : { commands }),
      ...(registryAuth === null ? {} : { registry_auth: registryAuth }),
    },
  };
}

/** By itself, so that a missing variable is told together with what is wrong elsewhere. */
function checkEnv(
  source: unknown,
  problems: ProblemList,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const parsed = envSchema.nullish().safeParse(source);
  if (!parsed.success) return {}; // told by the whole schema
  const entries = parsed.data ?? [];
  const { env, missing } = resolveEnv(entries, environment);
  for (const index of missing) {
    const name = entries[index]?.name ?? '';
    problems.add(['env', index], `${quote(name)} is not set where berth runs`, {
      hint: `\`export ${name}=…\`, give it with \`-e ${name}=…\`, or write its value here`,
    });
  }
  return env;
}

function takeArguments(
  commands: readonly string[],
  problems: ProblemList,
  args: readonly string[] | null,
): readonly string[] {
  if (args === null) return commands;
  const filled = fillArguments(commands, args);
  if (args.length > 0 && !filled.used) {
    problems.add(['commands'], 'no command takes the arguments after `--`', {
      at: 'key',
      hint: 'write `${{ run.args }}` where they belong',
    });
  }
  return filled.commands;
}
