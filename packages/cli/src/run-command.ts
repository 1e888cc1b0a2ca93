import { CommanderError } from 'commander';
import { type Command, parserOf } from './command.ts';
import type { CommandEntry } from './command-table.ts';
import { createContext } from './context.ts';
import { usageError } from './usage-error.ts';

/** Parses the command's own words and runs it. Throws what the command throws. */
export async function runCommand(
  entry: CommandEntry,
  command: Command,
  words: readonly string[],
  leadingProject: string | null,
): Promise<number> {
  const parser = parserOf(entry.name, entry.summary, command);
  try {
    parser.parse(words, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0; // --help
    throw usageError(...explain(error, entry.name));
  }
  const { project, ...options } = parser.opts<{ project?: string }>();
  const context = createContext({ project: project ?? leadingProject });
  try {
    return (await command.run(context, options, parser.processedArgs)) ?? 0;
  } catch (error) {
    throw await context.explained(error);
  } finally {
    context.close();
  }
}

/** The parser's `error: unknown option '--al'\n(Did you mean --all?)` as message and hint. */
function explain(error: CommanderError, name: string): [message: string, hint: string] {
  const [first = '', second] = error.message.replace(/^error: /, '').split('\n');
  const message = first.replace(/'([^']*)'/g, '`$1`');
  const suggestion = second?.replace(/^\((.*)\)$/, '$1').replace(/^Did you mean (.*)\?$/, 'did you mean `$1`?');
  return [message, suggestion ?? `see \`berth ${name} --help\``];
}
