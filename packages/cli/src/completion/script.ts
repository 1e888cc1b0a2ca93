import { parserOf } from '../command.ts';
import { COMMANDS, NOUNS } from '../command-table.ts';
import { type Kind, kindOf } from './names.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What may follow some words of the command line. */
interface Word {
  readonly word: string;
  readonly about: string;
  /** What the value of this option is the name of. */
  readonly names?: Kind;
}

export interface Completions {
  /** `''` for `berth` itself, `run`, `run get`. */
  readonly after: string;
  readonly words: readonly Word[];
  /** What its arguments are names of: the server is asked for them. */
  readonly names: Kind | null;
}

/** The script for a shell, made from the commands themselves. It calls us only for names that a server knows. */
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
  const all: Completions[] = [{ after: '', words: wordsAfter(''), names: null }];
  for (const noun of Object.keys(NOUNS)) all.push({ after: noun, words: wordsAfter(noun), names: null });
  for (const entry of COMMANDS) {
    const { default: command } = await entry.load();
    const parser = parserOf(entry.name, entry.summary, command);
    const options = parser.options.flatMap((option) => {
      const kind = option.required ? kindOf(entry.name, option.attributeName()) : null;
      return [option.long, option.short]
        .filter((flag) => flag != null)
        .map((flag): Word => ({ word: flag, about: option.description, ...(kind === null ? {} : { names: kind }) }));
    });
    const values = parser.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
    const [argument] = parser.registeredArguments;
    all.push({
      after: entry.name,
      names: argument === undefined ? null : kindOf(entry.name, argument.name()),
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
    .map(
      ({ after, words, names }) =>
        `    '${after}') words='${words.map((w) => w.word).join(' ')}'${names === null ? '' : ` kind=${names}`} ;;`,
    )
    .join('\n');
  const kinds = new Map(
    completions.flatMap(({ words }) =>
      words.flatMap(({ word, names }) => (names === undefined ? [] : [[word, names] as const])),
    ),
  );
  const options = [...kinds].map(([flag, kind]) => `    ${flag}) words='' kind=${kind} ;;`).join('\n');
  return `# Completion of berth. Made by \`berth completion\`; make it anew after an upgrade.
_berth() {
  # Not "path": in zsh that is where commands are looked for.
  local current="\${COMP_WORDS[COMP_CWORD]}" named='' word words='' kind='' project=() i
  local previous="\${COMP_WORDS[COMP_CWORD-1]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in -*) break ;; esac
    case " ${namePrefixes().join(' ; ')} " in
      *" ; \${named:+$named }$word ; "*) named="\${named:+$named }$word" ;;
      *) break ;;
    esac
  done
  case "$named $previous" in
    'apply -f' | 'delete -f' | *' --file' | *' -o' | *' --output')
      COMPREPLY=($(compgen -f -- "$current"))
      return
      ;;
  esac
  case "$named" in
${cases}
  esac
  case "$current" in -*) kind='' ;; esac
  case "$previous" in
${options}
  esac
  for ((i = 1; i + 1 < COMP_CWORD; i++)); do
    [ "\${COMP_WORDS[i]}" = --project ] && project=(--project "\${COMP_WORDS[i+1]}")
  done
  [ -n "$kind" ] && words="$words $("\${COMP_WORDS[0]}" complete-names "$kind" "\${project[@]}" 2>/dev/null)"
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
  const arguments_ = completions.flatMap(({ after, names }) =>
    names === null ? [] : [`complete -c berth -n '__berth_at "${after}"' -a '(__berth_names ${names})'`],
  );
  const lines = completions.flatMap(({ after, words }) =>
    words.map(({ word, about, names }) => {
      const flag = word.startsWith('--')
        ? `-l ${word.slice(2)}`
        : word.startsWith('-')
          ? `-s ${word.slice(1)}`
          : `-a ${word}`;
      const files = word === '--file' || word === '--output' ? ' -r -F' : '';
      const values = names === undefined ? files : ` -x -a '(__berth_names ${names})'`;
      return `complete -c berth -n '__berth_at "${after}"' ${flag}${values} -d '${about.replaceAll("'", "\\'")}'`;
    }),
  );
  return `# Completion of berth. Made by \`berth completion\`; make it anew after an upgrade.
function __berth_names
    set -l words (commandline -opc)
    set -l project
    set -l at (contains -i -- --project $words); and set project --project=$words[(math $at + 1)]
    $words[1] complete-names $argv[1] $project 2>/dev/null
end
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
${[...lines, ...arguments_].join('\n')}
`;
}
