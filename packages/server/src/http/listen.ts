import type { AddressInfo } from 'node:net';
import { BerthError } from '@berth/core/errors';
import type { FastifyInstance } from 'fastify';

/**
 * Returns the URL under which this machine reaches the server.
 * @throws BerthError `unavailable` when the address cannot be had
 */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL' && code !== 'ENOTFOUND') throw error;
    const why = {
      EADDRINUSE: `port ${port} is in use by another program`,
      EACCES: `port ${port} is for the system's own services`,
      EADDRNOTAVAIL: 'this machine has no such address',
      ENOTFOUND: 'there is no such name',
    }[code];
    throw new BerthError('unavailable', `The server cannot listen on ${host}: ${why}.`, {
      hint: 'Choose another with `--port` or `--host`.',
      cause: error,
    });
  }
  const { port: actual } = app.server.address() as AddressInfo; // it listens on a host and a port, not on a path
  return `http://${reachable(host)}:${actual}`;
}

/** Who listens everywhere is reached here as well. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
