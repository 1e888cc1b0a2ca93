import { API_PREFIX } from '@berth/core/api-routes';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers whose schema the server has checked
  readonly json: any;
}

export interface AskOptions {
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

/** `GET /projects` or the like; a body is sent as JSON, text and bytes as they are. */
export async function ask(url: string, route: string, options: AskOptions = {}): Promise<Answer> {
  const [method = 'GET', path = ''] = route.split(' ');
  const { body } = options;
  const raw = body instanceof Uint8Array || typeof body === 'string';
  const response = await fetch(url + API_PREFIX + path, {
    method,
    headers: {
      ...(options.token == null ? {} : { authorization: `Bearer ${options.token}` }),
      ...(body === undefined ? {} : { 'content-type': raw ? 'application/octet-stream' : 'application/json' }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
  return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : null };
}
