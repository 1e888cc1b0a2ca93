/** Requests to Google's REST APIs, and their pages. */

import { BerthError } from '@berth/core/errors';
import type { Http } from '@berth/http';
import type { ZodType } from 'zod';
import type { AccessTokens } from './access-token.ts';

export type Query = Readonly<Record<string, string | number | undefined>>;

/** An empty token ends the pages as an absent one does. */
export interface Page {
  readonly nextPageToken?: string | undefined;
}

export class GoogleApi {
  readonly #http: Http;
  readonly #tokens: AccessTokens;

  constructor(http: Http, tokens: AccessTokens) {
    this.#http = http;
    this.#tokens = tokens;
  }

  /** Every page to the end. @throws BerthError `unavailable` when a page leads back to itself */
  async *pages<T extends Page>(
    url: string,
    query: Query,
    schema: ZodType<T>,
    signal: AbortSignal,
  ): AsyncGenerator<T, void, undefined> {
    let pageToken: string | undefined;
    do {
      const token = await this.#tokens.current(signal);
      const headers = { authorization: `Bearer ${token.reveal()}` };
      const page = await this.#http.json({ url, query: { ...query, pageToken }, headers, schema }, signal);
      yield page;
      const next = page.nextPageToken || undefined;
      if (next !== undefined && next === pageToken) {
        throw new BerthError('unavailable', `${new URL(url).host}${new URL(url).pathname} gave the same page twice`);
      }
      pageToken = next;
    } while (pageToken !== undefined);
  }
}
