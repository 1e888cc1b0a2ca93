/**
 * A page in a browser on this machine can send requests to a loopback port, and a name that it controls
 * can be made to point to 127.0.0.1 (DNS rebinding). Neither may reach the API: a request must name us
 * by a name of ours, and when a browser says where it comes from, that must be us.
 */

const LOOPBACK_NAME = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;
const LOOPBACK_ADDRESS = /^(localhost|127(?:\.\d{1,3}){3}|::1)$/i;

export const isLoopback = (host: string): boolean => LOOPBACK_ADDRESS.test(host);

export interface RequestOrigin {
  /** Of the Host header. */
  readonly host: string | undefined;
  /** Of the Origin header; browsers send it with all that is not a plain navigation. */
  readonly origin: string | undefined;
  /** The server listens on loopback only. */
  readonly loopback: boolean;
}

/** Why the request is refused; null when it may pass. */
export function refusal({ host, origin, loopback }: RequestOrigin): string | null {
  if (host === undefined) return 'the request has no Host header';
  // Any port: a tunnel may lead from another one to ours.
  if (loopback && !LOOPBACK_NAME.test(host)) return 'this server answers to loopback names only';
  if (origin === undefined) return null;
  const own = [`http://${host}`, `https://${host}`];
  return own.some((name) => name.toLowerCase() === origin.toLowerCase()) ? null : 'the request comes from another site';
}
