import { printJson } from '../output/json.ts';
import { print } from '../output/write.ts';

/** For `--dry-run`: the plan is what was asked for, so it goes to standard output. Nothing is changed. */
export function showPlan(plan: object, options: { readonly json?: true }, format: () => string): void {
  if (options.json === true) printJson(plan);
  else print(`${format()}\n`);
}
