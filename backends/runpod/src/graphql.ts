import type { CollectContext } from '@berth/catalog/catalog-source';
import { type ZodType, z } from 'zod';

/** Source: RunPod's GraphQL API (docs.runpod.io, graphql-spec.runpod.io). What is read here needs no key. */
const URL = 'https://api.runpod.io/graphql';
/** A request asks for dozens of prices of dozens of types. */
const TIMEOUT_MS = 60_000;

const Errors = z.array(z.object({ message: z.string() }));

/** The API understood the request and would not answer it, or not all of it. */
export class GraphqlRefusal extends Error {
  override readonly name = 'GraphqlRefusal';
}

/**
 * @throws GraphqlRefusal when there are errors in the answer, even if there is data too
 * @throws HttpError for everything else, an answer of another shape included
 */
export async function askRunPod<T>(
  { http }: Pick<CollectContext<unknown>, 'http'>,
  query: string,
  data: ZodType<T>,
  signal: AbortSignal,
): Promise<T> {
  const request = { method: 'POST', url: URL, body: { query }, repeatable: true, timeoutMs: TIMEOUT_MS } as const;
  // No union: when neither shape fits, it would not name the field that changed.
  const Answer = z.unknown().transform((answer, context) => {
    const refused = z.object({ errors: Errors.min(1) }).safeParse(answer);
    if (refused.success) return refused.data;
    const parsed = z.object({ data }).safeParse(answer);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues)
      context.addIssue({ code: 'custom', message: issue.message, path: issue.path });
    return z.NEVER;
  });
  const answer = await http.json({ ...request, schema: Answer }, signal);
  if ('data' in answer) return answer.data;
  const [first] = answer.errors;
  throw new GraphqlRefusal(`RunPod's API: ${first?.message.slice(0, 300) ?? 'no reason given'}`);
}
