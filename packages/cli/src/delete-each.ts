import { print } from './output/write.ts';

export interface DeleteOptions {
  readonly question: (names: string) => string;
  readonly yes: boolean;
  readonly remove: (name: string) => Promise<unknown>;
  /** What is printed after each; `deleted` when absent. */
  readonly done?: string;
}

/** Asks once and then deletes one after the other; the first refusal ends it. Returns the exit code. */
export async function deleteEach(names: readonly string[], options: DeleteOptions): Promise<number> {
  if (!options.yes) {
    const { confirm } = await import('./output/confirm.ts');
    if (!(await confirm(options.question(names.join(', '))))) return 1;
  }
  for (const name of names) {
    await options.remove(name);
    print(`${name}: ${options.done ?? 'deleted'}\n`);
  }
  return 0;
}
