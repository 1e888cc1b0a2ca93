import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectRequests } from './expect-requests.ts';

test('who dribbles the head of a request is cut off, who is being answered is not', async (t) => {
  const server = createServer(async (_request, response) => {
    await sleep(400);
    response.end('late, but here');
  });
  expectRequests(server, 100);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const slow = connect(port, '127.0.0.1');
  slow.on('error', () => undefined);
  slow.write('GET / HTTP/1.1\r\nx: ');
  const dribble = setInterval(() => slow.write('x'), 10);
  t.after(() => clearInterval(dribble));
  const good = fetch(`http://127.0.0.1:${port}/`).then((response) => response.text());
  await new Promise((resolve) => slow.once('close', resolve));
  assert.equal(await good, 'late, but here');
});
