import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { ROUTES, RouteName, RouteParams } from '@berth/core/api-routes';
import type { API, ApiResponse } from '@berth/core/api-schemas';
import type { z } from 'zod';
import type { Caller } from '../auth/authenticate.ts';
import type { ProjectAccess } from '../auth/permission.ts';
import type { EventStream } from './event-stream.ts';

type OperationOf<Name extends RouteName> = (typeof API)[Name];
type PathOf<Name extends RouteName> = (typeof ROUTES)[Name][1];
type ParsedBody<Name extends RouteName> =
  OperationOf<Name> extends { body: infer B extends z.ZodType } ? z.output<B> : undefined;
type ParsedQuery<Name extends RouteName> =
  OperationOf<Name> extends { query: infer Q extends z.ZodType } ? z.output<Q> : undefined;

/** A request that was let in: who asks, where, for what. Everything in it is parsed. */
export interface Call<Name extends RouteName> {
  readonly caller: OperationOf<Name>['access'] extends 'public' ? null : Caller;
  /** Of routes below `/projects/{project}`. */
  readonly access: PathOf<Name> extends `${string}{project}${string}` ? ProjectAccess : null;
  readonly params: RouteParams<Name>;
  readonly query: ParsedQuery<Name>;
  readonly body: ParsedBody<Name>;
  readonly headers: IncomingHttpHeaders;
}

/** Answers with server-sent events. It sends nothing before it knows that it can: until then, throwing is an answer. */
export type EventsHandler<Name extends RouteName> = (call: Call<Name>, open: () => EventStream) => Promise<void>;

export interface Download {
  readonly bytes: number;
  readonly contentType: string;
  readonly fileName: string;
  readonly body: Readable;
}

/** Takes the body as it comes off the wire. */
export type UploadHandler<Name extends RouteName> = (
  call: Call<Name>,
  body: IncomingMessage,
) => Promise<ApiResponse<Name>>;

export type HandlerOf<Name extends RouteName> = Name extends 'blob.put'
  ? UploadHandler<Name>
  : OperationOf<Name> extends { stream: 'sse' }
    ? EventsHandler<Name>
    : OperationOf<Name> extends { stream: 'bytes' }
      ? (call: Call<Name>) => Promise<Download>
      : (call: Call<Name>) => Promise<ApiResponse<Name>>;

export type Handlers = { readonly [Name in RouteName]: HandlerOf<Name> };
/** The handlers of the routes with these names. */
export type HandlersOf<Name extends RouteName> = Pick<Handlers, Name>;
