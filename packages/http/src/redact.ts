import type { HttpRequest } from './http.ts';

/** Headers that say nothing about who asks. */
const HARMLESS = new Set(['accept', 'accept-encoding', 'content-type', 'user-agent', 'if-none-match', 'range']);
const SECRET_NAME = /key|token|secret|signature|password|credential|auth|^sig$/i;
/** Anything shorter occurs in every second sentence. */
const SHORTEST = 6;

/** What the other side said, without the keys that we had sent and it repeated. */
export function withoutSecrets(said: string, request: HttpRequest): string {
  let text = said;
  for (const secret of secretsOf(request)) text = text.replaceAll(secret, '[secret]');
  return text;
}

function secretsOf(request: HttpRequest): readonly string[] {
  const found: string[] = [];
  for (const [name, value] of new Headers(request.headers)) {
    // `Bearer abc`: the second word is repeated alone.
    if (!HARMLESS.has(name)) found.push(value, ...value.split(/[\s:,]+/));
  }
  const named = [...new URL(request.url).searchParams, ...Object.entries(request.query ?? {}), ...bodyFields(request)];
  for (const [name, value] of named) {
    if (SECRET_NAME.test(name)) found.push(String(value), encodeURIComponent(String(value)));
  }
  // Longest first: a part must not be taken out of the whole.
  return found.filter((secret) => secret.length >= SHORTEST).sort((one, other) => other.length - one.length);
}

/** Of a form or an object: that is how passwords are exchanged for tokens. */
function bodyFields({ body }: HttpRequest): Iterable<readonly [string, unknown]> {
  if (typeof body === 'string') return new URLSearchParams(body);
  return body === undefined || body instanceof Uint8Array ? [] : Object.entries(body);
}
