import { printable, printableLine } from '../output/printable.ts';
import { usageError } from '../usage-error.ts';
import { type Choice, type Field, readAnswer } from './fields.ts';

/** Somebody who can be asked. */
export interface Asker {
  /** One line; `hidden`: it is not shown. Throws when the person has had enough. */
  ask(prompt: string, options?: { readonly hidden?: boolean }): Promise<string>;
  say(text: string): void;
}

/** So often nothing, or something wrong, and nobody is there. */
const PATIENCE = 3;

/** The person at the terminal; null: there is none. */
export async function terminalAsker(): Promise<Asker | null> {
  if (!process.stdin.isTTY) return null;
  const [{ ask }, { say }] = await Promise.all([import('../output/confirm.ts'), import('../output/write.ts')]);
  return { ask, say };
}

/** One of several, by number or by word. */
export async function askOne(
  asker: Asker,
  what: string,
  choices: readonly Choice[],
  otherwise?: string,
): Promise<string> {
  showChoices(asker, what, choices);
  const hint = otherwise === undefined ? '' : ` [${otherwise}]`;
  return patiently(asker, what, async () => {
    const text = (await asker.ask(`Number or name${hint}: `)).trim();
    if (text === '' && otherwise !== undefined) return otherwise;
    return chosen(choices, text);
  });
}

/** Undefined: it is left out. */
export async function askField(asker: Asker, field: Field, offered: readonly Choice[] = []): Promise<unknown> {
  const choices = field.choices ?? offered;
  const about = field.description === null ? '' : ` (${field.description.replace(/\.$/, '')})`;
  const what = printableLine(`${field.name}${about}`);
  if (choices.length > 0) showChoices(asker, what, choices);
  const isMany = field.kind === 'list';
  const otherwise =
    field.default !== undefined ? JSON.stringify(field.default) : field.required ? null : isMany ? 'all' : 'none';
  const prompt = choices.length === 0 ? what : isMany ? 'Numbers or names, with commas between them' : 'Number or name';
  const full = `${prompt}${field.secret ? ', not shown' : ''}${otherwise === null ? '' : ` [${otherwise}]`}: `;
  return patiently(asker, field.name, async () => {
    const text = (await asker.ask(full, { hidden: field.secret })).trim();
    if (text === '' || (isMany && text === 'all' && !field.required)) {
      if (!field.required || field.default !== undefined) return undefined;
      throw usageError(`\`${field.name}\` is needed`);
    }
    if (!isMany) return readAnswer(field, choices.length === 0 ? text : numbered(choices, text));
    const words = (await readAnswer(field, text)) as readonly string[]; // a list is read as one
    return words.map((word) => (choices.length === 0 ? word : chosen(choices, word)));
  });
}

function showChoices(asker: Asker, what: string, choices: readonly Choice[]): void {
  const width = String(choices.length).length;
  const lines = choices.map(({ value, title }, index) => {
    const more = title === undefined || title === value ? '' : `  ${printableLine(title)}`;
    return `  ${String(index + 1).padStart(width)}  ${printableLine(value)}${more}\n`;
  });
  asker.say(`${printable(what)}\n${lines.join('')}`);
}

/** What a number means; any other text is itself. */
function numbered(choices: readonly Choice[], text: string): string {
  return (/^\d+$/.test(text) ? choices[Number(text) - 1]?.value : undefined) ?? text;
}

function chosen(choices: readonly Choice[], text: string): string {
  const value = numbered(choices, text);
  if (choices.some((choice) => choice.value === value)) return value;
  throw usageError(text === '' ? 'one of these is needed' : `\`${text}\` is none of these`);
}

/** What is answered wrong is asked again. */
async function patiently<T>(asker: Asker, what: string, once: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once();
    } catch (error) {
      const isMistake = error instanceof Error && error.name === 'BerthError';
      if (!isMistake) throw error;
      if (attempt >= PATIENCE) throw usageError(`no answer to \`${what}\` that could be used`, 'nothing was stored');
      asker.say(`  ${error.message}\n`);
    }
  }
}
