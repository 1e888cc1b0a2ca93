import { BackendError } from '@berth/backend/backend-error';
import type { CollectContext } from '@berth/catalog/catalog-source';
import { HttpError } from '@berth/http';
import { mapConcurrently } from '@berth/http/concurrency';
import { type ZodType, z } from 'zod';
import { askRunPod, GraphqlRefusal } from './graphql.ts';

/** Places and counts that one request asks about; each of them is one field of GraphQL, under an alias. */
const PER_REQUEST = 24;
const AT_ONCE = 4;
/** With more than this share missing, the list is not what RunPod sells. */
const MOST_MISSING = 0.1;

/** The same question about every row of a list, for many places. */
export interface Question<Lookup, Answer> {
  /** The list, as a field of the query. */
  readonly list: 'gpuTypes' | 'cpuFlavors';
  readonly lookups: readonly Lookup[];
  /** The field that answers one lookup, in GraphQL. */
  readonly field: (lookup: Lookup) => string;
  readonly answer: ZodType<Answer>;
  /** For people: `2 GPUs in EU-RO-1`. */
  readonly describe: (lookup: Lookup) => string;
}

export interface Found<Lookup, Answer> {
  readonly lookup: Lookup;
  /** Answers by the id of their row. */
  readonly answers: ReadonlyMap<string, Answer>;
}

type Context = Pick<CollectContext<unknown>, 'http' | 'signal' | 'log'>;

/**
 * Asks about all places in few requests. Every answer carries the alias of its own lookup: whatever fails or
 * is missing, no price moves to another place. A request that the API will not answer is asked again in
 * halves, so that what one place cannot tell takes no other along; a place alone that fails is skipped.
 *
 * @throws BackendError when more than a tenth of the places are missing
 * @throws HttpError for refusals that halves cannot mend: no rights, too fast, another shape
 */
export async function lookUpAll<Lookup, Answer>(
  context: Context,
  question: Question<Lookup, Answer>,
): Promise<readonly Found<Lookup, Answer>[]> {
  const { lookups, describe } = question;
  const most = lookups.length * MOST_MISSING;
  let missing = 0;
  let done = 0;

  const ask = async (part: readonly Lookup[], signal: AbortSignal): Promise<readonly Found<Lookup, Answer>[]> => {
    try {
      return await askPart(context, question, part, signal);
    } catch (error) {
      if (signal.aborted || !isPartial(error)) throw error;
      const [first] = part;
      if (part.length > 1) {
        const half = Math.ceil(part.length / 2);
        return [...(await ask(part.slice(0, half), signal)), ...(await ask(part.slice(half), signal))];
      }
      if (first !== undefined) context.log.skipped(describe(first), error.message);
      missing += 1;
      if (missing <= most) return [];
      const message = `RunPod's list is not whole: ${missing} of ${lookups.length} lookups failed, the last with: ${error.message}`;
      throw new BackendError('unknown', message, { scope: 'cloud', cause: error });
    }
  };

  const work = async (part: readonly Lookup[], signal: AbortSignal) => {
    const found = await ask(part, signal);
    done += part.length;
    context.log.progress(`${question.list}: ${done} of ${lookups.length} places and sizes`);
    return found;
  };
  return (await mapConcurrently(chunks(lookups), AT_ONCE, work, context.signal)).flat();
}

/** Too much was asked at once, or one of the fields fails: less of it may be answered. */
function isPartial(error: unknown): error is GraphqlRefusal | HttpError {
  if (error instanceof GraphqlRefusal) return true;
  return error instanceof HttpError && (error.code === 'transient' || error.status === 400 || error.status === 413);
}

async function askPart<Lookup, Answer>(
  context: Context,
  { list, field, answer }: Question<Lookup, Answer>,
  part: readonly Lookup[],
  signal: AbortSignal,
): Promise<readonly Found<Lookup, Answer>[]> {
  const aliases = part.map((lookup, index) => ({ alias: `at${index}`, lookup }));
  const fields = aliases.map(({ alias, lookup }) => `${alias}: ${field(lookup)}`);
  // Each alias must be there, null or not: a place that an answer leaves out is not a place without stock.
  const perAlias = Object.fromEntries(aliases.map(({ alias }) => [alias, answer.nullable()]));
  const Row = z.object({ id: z.string(), ...perAlias }).transform(({ id, ...answers }) => ({
    id,
    // Parsed just now: TypeScript takes `id` for one of the aliases.
    answers: answers as Readonly<Record<string, Answer | null>>,
  }));
  const Data = z.object({ rows: z.array(Row) });
  const query = `query { rows: ${list} { id ${fields.join(' ')} } }`;
  const { rows } = await askRunPod(context, query, Data, signal);
  return aliases.map(({ alias, lookup }) => {
    const answers = new Map<string, Answer>();
    for (const row of rows) {
      const answered = row.answers[alias];
      if (answered != null) answers.set(row.id, answered);
    }
    return { lookup, answers };
  });
}

function chunks<T>(items: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / PER_REQUEST);
  return Array.from({ length: count }, (_, index) => items.slice(index * PER_REQUEST, (index + 1) * PER_REQUEST));
}
