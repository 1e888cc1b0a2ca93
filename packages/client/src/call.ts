import { API_PREFIX, ROUTES, type RouteName, type RouteParams } from '@berth/core/api-routes';
import type { ApiBody, ApiQuery } from '@berth/core/api-schemas';
import { BerthError } from '@berth/core/errors';

type ParamsInput<Name extends RouteName> = Omit<RouteParams<Name>, 'project'> & {
  /** The client's own project when absent. */
  readonly project?: string;
};
/** Nothing has to be given: every field is optional. */
type AllOptional<T> = Record<never, never> extends T ? true : false;

type WithParams<Name extends RouteName> =
  AllOptional<ParamsInput<Name>> extends true
    ? { readonly params?: ParamsInput<Name> }
    : { readonly params: ParamsInput<Name> };
type WithQuery<Name extends RouteName> =
  ApiQuery<Name> extends undefined ? unknown : { readonly query?: ApiQuery<Name> };
type WithBody<Name extends RouteName> = ApiBody<Name> extends undefined ? unknown : { readonly body: ApiBody<Name> };

/** What a call of this route takes. */
export type CallInput<Name extends RouteName> = WithParams<Name> &
  WithQuery<Name> &
  WithBody<Name> & {
    readonly signal?: AbortSignal | undefined;
    /** How long to wait for the answer; 30 s when absent. */
    readonly deadlineMs?: number;
  };

export type CallArguments<Name extends RouteName> =
  AllOptional<CallInput<Name>> extends true ? [input?: CallInput<Name>] : [input: CallInput<Name>];

export interface Address {
  readonly method: string;
  /** From the server's root, with the query. */
  readonly path: string;
}

/**
 * The method and path of a call.
 * @throws BerthError `invalid-request` for a parameter that no URL can carry; Error when a parameter of the path is missing or empty: the type was got around
 */
export function addressOf(
  name: RouteName,
  params: Readonly<Record<string, string | undefined>>,
  query?: object,
): Address {
  const [method, template] = ROUTES[name];
  const path = template.replace(/\{(\w+)\}/g, (_, key: string) => {
    const value = params[key];
    if (value === undefined || value === '') throw new Error(`${name} needs the parameter ${key}`);
    return encodeSegment(value);
  });
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null) search.set(key, String(value));
  }
  const tail = search.size === 0 ? '' : `?${search.toString()}`;
  return { method, path: `${API_PREFIX}${path}${tail}` };
}

/** `.` and `..` have a meaning in every URL, however they are written, so nothing can be called that. */
function encodeSegment(value: string): string {
  if (value === '.' || value === '..') throw new BerthError('invalid-request', `\`${value}\` is not a name`);
  return encodeURIComponent(value);
}
