import { nearestWord } from '@berth/core/nearest';
import { VERSION } from '@berth/core/version';
import { COMMANDS, type CommandEntry, NOUNS } from './command-table.ts';
import { print } from './output/write.ts';
import { usageError } from './usage-error.ts';

/**
 * What is said when the words name no command: help where it was asked for or nothing was said, the
 * commands of a noun, or the nearest command.
 * @throws BerthError for a command that does not exist
 */
export function helpOrSuggest(path: readonly string[], words: readonly string[]): number {
  const wantsHelp = words.includes('--help') || words.includes('-h');
  if (words.length === 1 && (words[0] === '--version' || words[0] === '-v')) {
    print(`berth ${VERSION}\n`);
    return 0;
  }
  if (path.length === 0 && (wantsHelp || words.length === 0)) {
    print(overview());
    return 0;
  }
  const name = path.join(' ');
  if (name in NOUNS) {
    if (wantsHelp) {
      print(helpOfNoun(name));
      return 0;
    }
    throw usageError(`\`berth ${name}\` needs one more word`, `one of ${verbsOf(name).join(', ')}`);
  }
  if (path.length === 0) throw usageError(`unknown option \`${words[0]}\``, 'see `berth --help`');
  throw usageError(`unknown command \`berth ${name}\``, suggestion(path));
}

function suggestion(path: readonly string[]): string {
  for (let length = path.length; length > 0; length--) {
    const near = nearestWord(path.slice(0, length).join(' '), [...COMMANDS.map((c) => c.name), ...Object.keys(NOUNS)]);
    if (near !== null) return `did you mean \`berth ${near}\`?`;
    const noun = path.slice(0, length - 1).join(' ');
    if (noun in NOUNS) return `one of ${verbsOf(noun).join(', ')}`;
  }
  return 'see `berth --help`';
}

function verbsOf(noun: string): string[] {
  return COMMANDS.filter((entry) => entry.name.startsWith(`${noun} `)).map(
    (entry) => `\`${entry.name.slice(noun.length + 1)}\``,
  );
}

function overview(): string {
  const single = COMMANDS.filter((entry) => !entry.name.includes(' '));
  const nouns = Object.entries(NOUNS)
    .filter(([noun]) => !noun.includes(' '))
    .map(([noun, about]) => ({ name: `${noun} …`, summary: `${about}: ${shortVerbs(noun)}` }));
  return [
    `Berth ${VERSION}: finds a place for a workload on any cloud, runs it there, and gives the machine back.`,
    '',
    'Usage: berth <command> [options]',
    '',
    ...lines(single),
    '',
    ...lines(nouns),
    '',
    '`berth <command> --help` tells more. `--project` chooses the project, `--json` prints what the server says.',
    'Environment: BERTH_PROJECT; BERTH_SERVER_URL and BERTH_TOKEN; BERTH_HOME (default ~/.berth); NO_COLOR.',
    '',
  ].join('\n');
}

function shortVerbs(noun: string): string {
  const verbs = COMMANDS.filter((e) => e.name.startsWith(`${noun} `)).map((e) => e.name.split(' ')[1] ?? '');
  return [...new Set(verbs)].join(', ');
}

function helpOfNoun(noun: string): string {
  const entries = COMMANDS.filter((entry) => entry.name.startsWith(`${noun} `));
  return [`${NOUNS[noun]}`, '', `Usage: berth ${noun} <command>`, '', ...lines(entries), ''].join('\n');
}

function lines(entries: readonly Pick<CommandEntry, 'name' | 'summary'>[]): string[] {
  const width = Math.max(...entries.map((entry) => entry.name.length));
  return entries.map((entry) => `  ${entry.name.padEnd(width)}  ${entry.summary}`);
}
