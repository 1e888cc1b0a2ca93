/**
 * A definition that does what it did, and tells what went on inside: when each call began and ended, what it
 * threw and what it logged before the guards had taken anything out.
 */
import { inspect } from 'node:util';
import { type Call, type Compute, type ComputeDefinition, facetsOf, type Logger } from '../contract.ts';
import type { Operation } from './fake.ts';

export interface SpiedCall {
  readonly operation: Operation;
  readonly beganAt: number;
  /** When its signal aborted; null: it did not. */
  abortedAt: number | null;
  /** Null: it still runs. */
  endedAt: number | null;
  error: unknown;
}

export class Transcript {
  readonly calls: SpiedCall[] = [];
  /** Everything that left the backend as text: log lines, errors, answers. */
  readonly texts: { readonly where: string; readonly text: string }[] = [];

  logger(where: string, log: Logger): Logger {
    const line =
      (level: keyof Logger): Logger['info'] =>
      (message, fields) => {
        this.texts.push({ where: `a log line of ${where}`, text: `${message} ${shown(fields)}` });
        log[level](message, fields);
      };
    return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  }

  /** Runs one call of the backend, and writes down what came of it. */
  async watch<T>(operation: Operation, call: Call, run: (call: Call) => Promise<T>): Promise<T> {
    const entry: SpiedCall = { operation, beganAt: Date.now(), abortedAt: null, endedAt: null, error: undefined };
    this.calls.push(entry);
    call.signal.addEventListener('abort', () => {
      entry.abortedAt ??= Date.now();
    });
    try {
      const answer = await run({ ...call, log: this.logger(operation, call.log) });
      this.texts.push({ where: `an answer of ${operation}`, text: shown(answer) });
      return answer;
    } catch (error) {
      entry.error = error;
      for (let told = error, depth = 0; told !== undefined && depth < 4; depth++) {
        this.texts.push({
          where: `an error of ${operation}`,
          text: told instanceof Error ? told.message : shown(told),
        });
        told = told instanceof Error ? told.cause : undefined;
      }
      throw error;
    } finally {
      entry.endedAt = Date.now();
    }
  }
}

export function spied(
  definition: ComputeDefinition<unknown, unknown>,
  transcript: Transcript,
): ComputeDefinition<unknown, unknown> {
  const { catalog } = definition;
  return {
    ...definition,
    configure: (context, call) =>
      transcript.watch('configure', call, (inner) =>
        definition.configure({ ...context, log: transcript.logger('configure', context.log) }, inner),
      ),
    compute: (context) =>
      spiedCompute(definition.compute({ ...context, log: transcript.logger('compute', context.log) }), transcript),
    ...(catalog.kind === 'owned'
      ? {
          catalog: {
            ...catalog,
            query: (context, requirements, call) =>
              transcript.watch('query', call, (inner) => catalog.query(context, requirements, inner)),
          },
        }
      : {}),
  };
}

function spiedCompute(compute: Compute, transcript: Transcript): Compute {
  // What is no compute is refused by the guard around it, in its own words.
  if (typeof compute !== 'object' || compute === null) return compute;
  const facets = facetsOf(compute).map((facet) => {
    const bare = compute[facet] as unknown as Readonly<Record<string, unknown>>; // whichever facet it is
    return [facet, spiedMembers(bare, `${facet}.`, transcript)];
  });
  const { create, list, terminate } = compute;
  return { ...spiedMembers({ create, list, terminate }, '', transcript, compute), ...Object.fromEntries(facets) };
}

/** The call is the last argument of every method of the contract. */
function spiedMembers<T extends object>(members: T, prefix: string, transcript: Transcript, self: object = members): T {
  const parts = Object.entries(members).map(([name, part]) => {
    if (typeof part !== 'function') return [name, part];
    const method = (...args: readonly unknown[]): Promise<unknown> =>
      transcript.watch(`${prefix}${name}`, args.at(-1) as Call, async (inner) =>
        part.apply(self, [...args.slice(0, -1), inner]),
      );
    return [name, method];
  });
  return Object.fromEntries(parts) as T;
}

function shown(value: unknown): string {
  return value === undefined
    ? ''
    : inspect(value, { depth: 8, breakLength: Number.POSITIVE_INFINITY, maxArrayLength: 500 });
}
