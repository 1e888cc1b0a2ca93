import { EntryError } from '@berth/backend';
import type { EntryPlace } from '../config/server-config.ts';

/** Why an entry cannot be used, for whoever wrote it, with every place of config.yml that is concerned. */
export function whyNot(error: unknown, place: EntryPlace | null): string {
  if (!(error instanceof EntryError)) {
    const where = place === null ? '' : ` (config.yml, line ${place.line})`;
    return `${error instanceof Error ? error.message : String(error)}${where}`;
  }
  const told = error.problems.map((problem) => {
    const position = place?.positionOf(problem);
    const where = position === undefined ? '' : ` (config.yml, line ${position.line}, column ${position.column})`;
    return `${problem.message}${problem.hint === undefined ? '' : `: ${problem.hint}`}${where}`;
  });
  return told.join('; ');
}
