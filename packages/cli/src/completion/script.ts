import { parserOf } from '../command.ts';
import { COMMANDS, NOUNS } from '../command-table.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What may follow some words of the command line. */
export interface Completions {
  /** `''` for `berth` itself, `run`, `run get`. */
  readonly after: string;
  readonly words: readonly { readonly word: string; readonly about: string }[];
}

/** The script for a shell, made from the commands themselves. It calls nothing, so it is as fast as the shell. */
export async function completionScript(shell: Shell): Promise<string> {
  const completions = await collectCompletions();
  switch (shell) {
    case 'bash':
      return bashScript(completions);
    case 'zsh':
      return `autoload -U +X bashcompinit && bashcompinit\n${bashScript(completions)}`;
    case 'fish':
      return fishScript(completions);
  }
}

async function collectCompletions(): Promise<Completions[]> {
  const all: Completions[] = [{ after: '', words: wordsAfter('') }];
  for (const noun of Object.keys(NOUNS)) all.push({ after: noun, words: wordsAfter(noun) });
  for (const entry of COMMANDS) {
    const { default: command } = await entry.load();
    const parser = parserOf(entry.name, entry.summary, command);
    const options = parser.options.flatMap((option) =>
      [option.long, option.short]
        .filter((flag) => flag != null)
        .map((flag) => ({ word: flag, about: option.description })),
    );
    const values = parser.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
    all.push({
      after: entry.name,
      words: [...values.map((word) => ({ word, about: '' })), ...options, { word: '--help', about: 'show help' }],
    });
  }
  return all;
}

function wordsAfter(prefix: string): { word: string; about: string }[] {
  const start = prefix === '' ? '' : `${prefix} `;
  const words = new Map<string, string>();
  const named = [...COMMANDS.map((c) => [c.name, c.summary] as const), ...Object.entries(NOUNS)];
  for (const [name, about] of named) {
    if (!name.startsWith(start)) continue;
    const rest = name.slice(start.length).split(' ');
    const [word = ''] = rest;
    if (word === '') continue;
    if (rest.length === 1 || !words.has(word))
      words.set(word, rest.length === 1 ? about : (NOUNS[start + word] ?? about));
  }
  return [...words].map(([word, about]) => ({ word, about }));
}

function bashScript(completions: readonly Completions[]): string {
  const cases = completions
    .map(({ after, words }) => `    '${after}') words='${words.map((w) => w.word).join(' ')}' ;;`)
    .join('\n');
  return `# Completion of berth. Made by \`berth completion\`; make it anew after an upgrade.
_berth() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' word words='' i
  local previous="\${COMP_WORDS[COMP_CWORD-1]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in -*) break ;; esac
    case " ${namePrefixes().join(' ; ')} " in
      *" ; \${path:+$path }$word ; "*) path="\${path:+$path }$word" ;;
      *) break ;;
    esac
  done
  case "$previous" in
    -f | --file | -o | --output)
      COMPREPLY=($(compgen -f -- "$current"))
      return
      ;;
  esac
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _berth berth
`;
}

/** Every run of words that a command's name begins with, between two sentinels. */
function namePrefixes(): string[] {
  const names = [...COMMANDS.map((command) => command.name), ...Object.keys(NOUNS)];
  return ['', ...names, ''];
}

function fishScript(completions: readonly Completions[]): string {
  const lines = completions.flatMap(({ after, words }) =>
    words.map(({ word, about }) => {
      const flag = word.startsWith('--')
        ? `-l ${word.slice(2)}`
        : word.startsWith('-')
          ? `-s ${word.slice(1)}`
          : `-a ${word}`;
      const files = word === '--file' || word === '--output' ? ' -r -F' : '';
      return `complete -c berth -n '__berth_at "${after}"' ${flag}${files} -d '${about.replaceAll("'", "\\'")}'`;
    }),
  );
  return `# Completion of berth. Made by \`berth completion\`; make it anew after an upgrade.
function __berth_at
    set -l path
    for word in (commandline -opc)[2..]
        string match -q -- '-*' $word; and break
        contains -- (string join ' ' $path $word) ${[...COMMANDS.map((c) => c.name), ...Object.keys(NOUNS)].map((n) => `'${n}'`).join(' ')}; or break
        set -a path $word
    end
    test (string join ' ' $path) = "$argv[1]"
end
complete -c berth -f
${lines.join('\n')}
`;
}
