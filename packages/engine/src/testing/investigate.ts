/** From a history that goes wrong to the shortest one that goes wrong in the same way. */
import type { Move } from './moves.ts';
import { shrink } from './shrink.ts';
import { type History, type SimulateOptions, simulate } from './simulate.ts';

export interface Finding extends History {
  /** How many moves the history had before it was shrunk. */
  readonly movesBefore: number;
}

export interface InvestigateOptions extends Pick<SimulateOptions, 'store' | 'sabotage'> {
  /** How many shorter histories are tried. */
  readonly tries?: number;
}

export async function investigate(history: History, options: InvestigateOptions = {}): Promise<Finding> {
  const { seed, moves, wrong } = history;
  const { tries, ...how } = options;
  const play = (some: readonly Move[]) => simulate(seed, { ...how, moves: some });
  const same = kindOf(wrong);
  const left = await shrink(moves, async (some) => kindOf((await play(some)).wrong) === same, tries);
  return { ...(await play(left)), movesBefore: moves.length };
}

/** Of what is wrong first, without ids, numbers and names: a shorter history makes others. */
function kindOf([first]: readonly string[]): string {
  return (first ?? '').replace(/\b[0-9a-z]*\d[0-9a-z-]*\b|\(.*\)/g, '#');
}

/** For a person: what is wrong, and what led to it. */
export function tell({ seed, moves, movesBefore, wrong }: Finding): string {
  const steps = moves.map(({ thenMs, ...move }, i) => `  ${i + 1}. ${JSON.stringify(move)}, then ${thenMs} ms`);
  return [
    `seed ${seed} goes wrong:`,
    ...wrong.map((line) => `  ${line}`),
    `${moves.length} of ${movesBefore} moves are needed:`,
    ...steps,
  ].join('\n');
}
