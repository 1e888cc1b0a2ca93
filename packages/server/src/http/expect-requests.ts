import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Closes connections that do not come to the point: no whole head of a request after `timeoutMs`. Node
 * finds such ones too, but only when it looks through all connections, and an idle server should not
 * wake up to look. This costs a timer only while there is somebody to wait for.
 */
export function expectRequests(server: Server, timeoutMs: number): void {
  const silent = new WeakMap<Socket, NodeJS.Timeout>();
  server.on('connection', (socket) => {
    const late = setTimeout(() => socket.destroy(), timeoutMs).unref();
    silent.set(socket, late);
    socket.once('close', () => clearTimeout(late));
  });
  server.on('request', ({ socket }) => clearTimeout(silent.get(socket)));
}
