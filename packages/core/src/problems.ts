import { BerthError } from './errors.ts';

export type ProblemPath = readonly (string | number)[];

/** One thing that is wrong with a configuration; where it stands in the file is added later. */
export interface Problem {
  readonly path: ProblemPath;
  /** What to point at: the key, or the value. */
  readonly at: 'key' | 'value';
  readonly message: string;
  readonly hint?: string | undefined;
  /** Known, but not built yet. */
  readonly notSupported: boolean;
  /** This one stands for so many others, which nobody would read. */
  readonly omitted?: number;
}

/** More mistakes than a person corrects in one go, and few enough for an answer over HTTP. */
export const MOST_TOLD = 100;

/** The first problems of a list that may be very long, and one that counts the rest. */
export function firstOf(problems: readonly Problem[], omitted = 0): readonly Problem[] {
  const rest = omitted + Math.max(0, problems.length - MOST_TOLD);
  const first = problems.slice(0, MOST_TOLD);
  if (rest === 0) return first;
  return [...first, { path: [], at: 'value', message: `and ${rest} more`, notSupported: false, omitted: rest }];
}

/** `volumes[0].path`; empty for the whole file. */
export function formatPath(path: ProblemPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** Collects everything that is wrong, so that one reading of the file shows all of it. */
export class ProblemList {
  readonly #problems: Problem[] = [];

  get all(): readonly Problem[] {
    return this.#problems;
  }

  add(path: ProblemPath, message: string, more: Partial<Omit<Problem, 'path' | 'message'>> = {}): void {
    this.#problems.push({ at: 'value', notSupported: false, ...more, path, message });
  }

  /** Adds problems, but no second one at a place that already has one: the first is the cause. */
  addAll(problems: readonly Problem[]): void {
    const before = new Set(this.#problems.map((problem) => formatPath(problem.path)));
    // One by one: as arguments of one call, very many would overflow the stack.
    for (const problem of problems) {
      if (problem.omitted !== undefined || !before.has(formatPath(problem.path))) this.#problems.push(problem);
    }
  }

  /** Runs one step; a BerthError becomes a problem at `path`, and `otherwise` stands in for the result. */
  attempt<T>(path: ProblemPath, otherwise: T, step: () => T): T {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof BerthError)) throw error;
      const notSupported = error.code === 'not-supported';
      this.addAll([
        { path, at: 'value', message: `${formatPath(path)}: ${error.message}`, hint: error.hint, notSupported },
      ]);
      return otherwise;
    }
  }
}
