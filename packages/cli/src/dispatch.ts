import { COMMANDS, type CommandEntry, HIDDEN_COMMANDS } from './command-table.ts';
import { endWhenOutputFails } from './output/pipe.ts';

/** Runs what the words of the command line say. Never throws; returns the exit code. */
export async function dispatch(argv: readonly string[]): Promise<number> {
  endWhenOutputFails();
  const { project, words: given } = leadingOptions(argv);
  const words = given[0] === 'help' ? [...given.slice(1), '--help'] : given;
  // Only the part before the first option can name a command.
  const firstOption = words.findIndex((word) => word.startsWith('-'));
  const names = firstOption < 0 ? words : words.slice(0, firstOption);
  const entry = findCommand(names);
  try {
    if (entry === null) {
      const { helpOrSuggest } = await import('./help.ts');
      return helpOrSuggest(names, words);
    }
    const rest = words.slice(entry.name.split(' ').length);
    const { default: command } = await entry.load();
    const { runCommand } = await import('./run-command.ts');
    return await runCommand(entry, command, rest, project);
  } catch (error) {
    const { reportError } = await import('./output/error.ts');
    const end = words.indexOf('--');
    return await reportError(error, { json: words.slice(0, end < 0 ? undefined : end).includes('--json') });
  }
}

/** `berth --project x ps` means the same as `berth ps --project x`. */
function leadingOptions(argv: readonly string[]): { project: string | null; words: readonly string[] } {
  const [first, second] = argv;
  if (first === '--project' && second !== undefined) return { project: second, words: argv.slice(2) };
  if (first?.startsWith('--project=')) return { project: first.slice('--project='.length), words: argv.slice(1) };
  return { project: null, words: argv };
}

/** The command with the most words that `words` begins with. */
export function findCommand(words: readonly string[]): CommandEntry | null {
  let best: CommandEntry | null = null;
  for (const entry of [...COMMANDS, ...HIDDEN_COMMANDS]) {
    const parts = entry.name.split(' ');
    if (parts.length > (best?.name.split(' ').length ?? 0) && parts.every((part, i) => words[i] === part)) best = entry;
  }
  return best;
}
