import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { test } from 'node:test';
import { EventStream, type ServerEvent } from './event-stream.ts';

test('every character arrives as it was sent, though only ASCII goes over the wire', async () => {
  const data = { text: 'naïve – 東京 🚢 \u2028 "quoted"\n\u0000', big: 'x'.repeat(200_000) };
  const bytes = await sent([{ event: 'run', data, id: '1' }]);
  assert.ok(
    bytes.every((byte) => byte < 0x80),
    'a byte that is not ASCII',
  );
  const [, json = ''] = /^event: run\nid: 1\ndata: (.*)\n\nevent: end\n/.exec(bytes.toString('latin1')) ?? [];
  assert.deepEqual(JSON.parse(json), data);
});

/** What a reader gets of these events. */
async function sent(events: readonly ServerEvent[]): Promise<Buffer> {
  const stopping = new AbortController();
  const server = createServer(async (_, response) => {
    const stream = new EventStream(response, stopping.signal);
    for (const event of events) await stream.send(event);
    await stream.end({ event: 'end', data: {} });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  try {
    return await new Promise((resolve, reject) => {
      const outgoing = request({ host: '127.0.0.1', port: address.port }, async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk);
        resolve(Buffer.concat(chunks));
      });
      outgoing.on('error', reject).end();
    });
  } finally {
    server.close();
  }
}
