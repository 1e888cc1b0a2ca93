import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunView } from '@berth/core/api-schemas';
import type { Waiter } from './back-off.ts';
import { createClient } from './client.ts';
import { hangUp, logEvent, refuse, startFakeServer, stream } from './fake-server.ts';
import { events, logs, watch } from './follow.ts';

/** A clock that only sleeping moves. */
function jumpingWaiter(): Waiter {
  let now = 0;
  return {
    now: () => now,
    random: () => 0,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted();
      now += ms;
      // Real servers in this process need a turn of the event loop.
      await new Promise((resolve) => setTimeout(resolve, 1));
    },
  };
}

async function withClient(
  url: string | (() => string),
  use: (client: ReturnType<typeof createClient>) => Promise<void>,
) {
  const client = createClient({ url, token: 't', project: 'main', waiter: jumpingWaiter() });
  try {
    await use(client);
  } finally {
    client.close();
  }
}

async function textOf(chunks: AsyncIterable<{ bytes: Uint8Array }>): Promise<string> {
  let text = '';
  for await (const { bytes } of chunks) text += Buffer.from(bytes).toString('latin1');
  return text;
}

const LOGS = 'GET /projects/main/runs/r/logs';

test('a log whose connection breaks goes on at the next byte, without gap and without repetition', async () => {
  await using server = await startFakeServer();
  server.on(
    LOGS,
    stream([logEvent(0, 'one '), logEvent(4, 'two ')], 'break'),
    hangUp,
    refuse(503, 'unavailable', 'starting'),
    // A server that sends from an earlier byte than asked: the client cuts off what it has.
    stream([logEvent(4, 'two three '), logEvent(14, 'four')]),
  );
  await withClient(server.url, async (client) => {
    assert.equal(await textOf(logs(client, 'r', { follow: true })), 'one two three four');
  });
  assert.deepEqual(
    server.seen.map((request) => [request.query.get('offset'), request.headers['last-event-id']]),
    [
      [null, undefined],
      ['8', '8'],
      ['8', '8'],
      ['8', '8'],
    ],
  );
});

test('bytes that are no text arrive unchanged', async () => {
  await using server = await startFakeServer();
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  server.on(LOGS, stream([logEvent(0, bytes)]));
  await withClient(server.url, async (client) => {
    assert.equal(await textOf(logs(client, 'r')), bytes.toString('latin1'));
  });
});

test('`since` is asked for only until the first byte was seen', async () => {
  await using server = await startFakeServer();
  server.on(LOGS, stream([logEvent(100, 'late')], 'break'), stream([]));
  await withClient(server.url, async (client) => {
    assert.equal(await textOf(logs(client, 'r', { since: 5 })), 'late');
  });
  assert.deepEqual(
    server.seen.map((request) => [request.query.get('since'), request.query.get('offset')]),
    [
      ['5', null],
      [null, '104'],
    ],
  );
});

test('a refusal ends the stream at once', async () => {
  await using server = await startFakeServer();
  server.on(LOGS, refuse(404, 'not-found', 'no run r'));
  await withClient(server.url, async (client) => {
    await assert.rejects(textOf(logs(client, 'r')), { code: 'not-found', message: 'no run r' });
  });
  assert.equal(server.seen.length, 1);
});

test('a server that stays away is given up when the patience ends, and each attempt is told', async () => {
  await using server = await startFakeServer();
  server.on(LOGS, hangUp);
  const attempts: number[] = [];
  await withClient(server.url, async (client) => {
    const options = { patienceMs: 1000, onReconnect: (_: unknown, attempt: number) => attempts.push(attempt) };
    await assert.rejects(textOf(logs(client, 'r', {}, options)), { code: 'unavailable' });
  });
  assert.deepEqual(attempts.slice(0, 3), [1, 2, 3]);
});

test('a server that accepts and closes without an event is given up too', async () => {
  await using server = await startFakeServer();
  server.on(LOGS, (response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end());
  await withClient(server.url, async (client) => {
    await assert.rejects(textOf(logs(client, 'r', {}, { patienceMs: 1000 })), { code: 'unavailable' });
  });
});

test('a stream finds the server again at another address', async () => {
  const first = await startFakeServer();
  await using second = await startFakeServer();
  first.on(LOGS, stream([logEvent(0, 'a')], 'break'));
  second.on(LOGS, stream([logEvent(1, 'b')]));
  let url = first.url;
  await withClient(
    () => url,
    async (client) => {
      const options = {
        onReconnect: () => {
          url = second.url;
        },
      };
      assert.equal(await textOf(logs(client, 'r', {}, options)), 'ab');
    },
  );
  await first[Symbol.asyncDispose]();
});

test('watching a run repeats after a break what is now, but nothing older than what was seen', async () => {
  await using server = await startFakeServer();
  const run = (version: number, status: string) => ({ event: 'run', data: { version, status } });
  server.on(
    'GET /projects/main/runs/r/watch',
    stream([run(1, 'submitted'), run(2, 'running')], 'break'),
    stream([run(1, 'submitted'), run(2, 'running'), run(3, 'done')]),
  );
  const statuses: string[] = [];
  await withClient(server.url, async (client) => {
    for await (const view of watch(client, 'r')) statuses.push((view satisfies RunView).status);
  });
  assert.deepEqual(statuses, ['submitted', 'running', 'running', 'done']);
});

test('events go on after the last one seen', async () => {
  await using server = await startFakeServer();
  const event = (id: string) => ({ event: 'event', id, data: { id } });
  server.on(
    'GET /projects/main/events/watch',
    stream([event('e1'), event('e2')], 'break'),
    stream([event('e2'), event('e3')], 'end'),
  );
  const ids: string[] = [];
  await withClient(server.url, async (client) => {
    for await (const view of events(client, { run: 'r' })) ids.push(view.id);
  });
  assert.deepEqual(ids, ['e1', 'e2', 'e3']);
  assert.equal(server.seen[1]?.headers['last-event-id'], 'e2');
  assert.equal(server.seen[1]?.query.get('run'), 'r');
});

test('an error event ends the stream with that error', async () => {
  await using server = await startFakeServer();
  server.on(LOGS, stream([{ event: 'error', data: { error: { code: 'internal', message: 'disk' } } }], 'hang'));
  await withClient(server.url, async (client) => {
    await assert.rejects(textOf(logs(client, 'r')), { code: 'internal', message: 'disk' });
  });
});

test('aborting ends a silent stream', async () => {
  await using server = await startFakeServer();
  server.on(LOGS, stream([logEvent(0, 'x')], 'hang'));
  await withClient(server.url, async (client) => {
    const controller = new AbortController();
    const reading = (async () => {
      for await (const _ of logs(client, 'r', {}, { signal: controller.signal })) controller.abort(new Error('enough'));
    })();
    await assert.rejects(reading, { message: 'enough' });
  });
});
