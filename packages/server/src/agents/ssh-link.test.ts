import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '@berth/core/errors';
import ssh2 from 'ssh2';
import { keyPairOfSeed } from '../start/ssh-key.ts';
import { FakeSshHost, type FakeSshHostOptions } from '../testing/fake-ssh-host.ts';
import { type SshAddress, SshLink } from './ssh-link.ts';

const OURS = keyPairOfSeed(randomBytes(32), 'berth');
const HOST = keyPairOfSeed(randomBytes(32), 'host');
const OTHER = keyPairOfSeed(randomBytes(32), 'other');
const SOON = (): AbortSignal => AbortSignal.timeout(10_000);

function open(address: SshAddress, options: { hostKeys?: readonly string[]; signal?: AbortSignal } = {}) {
  const { hostKeys = [], signal = SOON() } = options;
  return SshLink.open({ address, key: OURS, hostKeys, rememberedIn: null, signal });
}

async function host(t: TestContext, options: Partial<FakeSshHostOptions> = {}): Promise<FakeSshHost> {
  return await FakeSshHost.start(t, { hostKey: HOST.private.reveal(), ...options });
}

async function linkTo(t: TestContext, options: Partial<FakeSshHostOptions>): Promise<SshLink> {
  const link = await open((await host(t, options)).address);
  t.after(() => link.close());
  return link;
}

function refusal(pattern: RegExp, hint: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof BerthError, String(error));
    assert.match(error.message, pattern);
    assert.match(error.hint ?? '', hint);
    return true;
  };
}

/** TCP connections of this process, whoever made them; the fake host's ends are among them. */
const sockets = (): number => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    if (i === 200) assert.fail(`waited in vain until ${what}`);
    await sleep(10);
  }
}

test('a host that shows the pinned key is trusted, and says which one it was', async (t) => {
  const { address } = await host(t);
  const link = await open(address, { hostKeys: [OTHER.public, HOST.public] });
  assert.equal(link.hostKey, HOST.public.split(' ').slice(0, 2).join(' '));
  link.close();
});

test('a host that shows another key is sent nothing', async (t) => {
  const fake = await host(t);
  await assert.rejects(
    open(fake.address, { hostKeys: [OTHER.public] }),
    refusal(/shows another host key than it was given, so nothing was sent/, /terminate it and do not trust it/),
  );
  await until('the connection is gone', () => fake.connections === 0);
});

test('a host that no longer has a key of the pinned type is sent nothing', async (t) => {
  const rsa = ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 });
  const { address } = await host(t, { hostKey: rsa.private });
  await assert.rejects(open(address, { hostKeys: [HOST.public] }), refusal(/shows another host key/, /./));
  const link = await open(address, { hostKeys: [rsa.public] });
  link.close();
});

test('a host that refuses our key is named, with the line that it lacks', async (t) => {
  const { address } = await host(t, { authenticates: false });
  const line = new RegExp(OURS.public.replaceAll('+', '\\+'));
  await assert.rejects(open(address), refusal(/root@127\.0\.0\.1:\d+ refuses the SSH key of this Berth server/, line));
});

test('where nothing listens, that is said', async () => {
  const address = { kind: 'ssh', host: '127.0.0.1', port: 1, user: 'root', hostKeys: [] } as const;
  await assert.rejects(open(address), refusal(/cannot be reached: nothing listens on this port/, /look at its sshd/));
});

test('something that is not an SSH server is told from one', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined).resume();
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(30));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as { port: number }; // it listens on TCP
  const address = { kind: 'ssh', host: '127.0.0.1', port, user: 'root', hostKeys: [] } as const;
  await assert.rejects(open(address), refusal(/no SSH connection to root@127\.0\.0\.1:\d+ to be had/, /ssh -v -p/));
});

test('whoever hangs after the connect holds nobody up: the signal ends it, and nothing is left', async (t) => {
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of accepted) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number }; // it listens on TCP
  const address = { kind: 'ssh', host: '127.0.0.1', port, user: 'root', hostKeys: [] } as const;
  const before = { sockets: sockets(), timers: timers() };
  const stop = new AbortController();
  const opening = open(address, { signal: stop.signal });
  await until('the host is connected', () => accepted.length === 1);
  stop.abort(new Error('enough'));
  await assert.rejects(opening, /enough/);
  for (const socket of accepted) socket.destroy();
  await until('the sockets are gone', () => sockets() <= before.sockets);
  await until('every timer is gone', () => timers() <= before.timers);
});

test('a refused stream is none; one that is never answered ends with the signal', async (t) => {
  const refusing = await linkTo(t, { streams: 'refuse' });
  assert.equal(await refusing.stream('/run/agent.sock', SOON()), null);
  const hanging = await linkTo(t, { streams: 'hang' });
  await assert.rejects(hanging.stream('/run/agent.sock', AbortSignal.timeout(50)), /aborted due to timeout/);
});

test('a stream carries bytes both ways, ends when the far side ends, and can be destroyed', async (t) => {
  const link = await linkTo(t, { streams: 'accept', onStream: (channel) => void channel.pipe(channel) });
  const stream = await link.stream('/run/agent.sock', SOON());
  assert.ok(stream);
  const sent = randomBytes(5_000_000); // more than SSH lets be on its way at once
  const received: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => received.push(chunk));
  stream.end(sent);
  await once(stream, 'close');
  assert.ok(Buffer.concat(received).equals(sent));
  const second = await link.stream('/run/agent.sock', SOON());
  assert.ok(second);
  second.destroy();
  await once(second, 'close');
  assert.equal(link.isClosed, false);
});

test('a stream whose reader is slow does not pile up here', async (t) => {
  let written = 0;
  const link = await linkTo(t, {
    streams: 'accept',
    onStream: (channel) => {
      const more = (): void => {
        do written += 256 * 1024;
        while (channel.write(Buffer.alloc(256 * 1024)));
        channel.once('drain', more);
      };
      more();
    },
  });
  const stream = await link.stream('/run/agent.sock', SOON());
  assert.ok(stream);
  await sleep(300);
  const held = written;
  await sleep(300);
  assert.equal(written, held);
  assert.ok(held < 10 * 1024 ** 2, `${held} bytes are on their way`);
});

test('when the connection breaks, streams and commands end with an error that says where', async (t) => {
  const began = Promise.withResolvers<() => void>();
  const link = await linkTo(t, {
    streams: 'accept',
    onStream: () => undefined,
    onCommand: (_channel, connection) => began.resolve(() => connection.end()),
  });
  const stream = await link.stream('/run/agent.sock', SOON());
  assert.ok(stream);
  const failed = new Promise<Error>((resolve) => stream.once('error', resolve));
  const running = link.run('sleep 100', [], { signal: SOON() });
  running.catch(() => undefined);
  (await began.promise)();
  await assert.rejects(running, /The SSH connection to root@127\.0\.0\.1:\d+ broke/);
  assert.match((await failed).message, /The SSH connection to root@127\.0\.0\.1:\d+ broke/);
  assert.equal(link.isClosed, true);
  await assert.rejects(link.run('true', [], { signal: SOON() }), /broke/);
});

test('a command that hangs ends with the signal; the connection can still be used', async (t) => {
  let commands = 0;
  const link = await linkTo(t, {
    onCommand: (channel) => {
      commands += 1;
      if (commands === 1) return;
      channel.write('out');
      channel.stderr.write('err');
      channel.exit(3);
      channel.end();
    },
  });
  await assert.rejects(link.run('sleep 100', [], { signal: AbortSignal.timeout(50) }), /aborted due to timeout/);
  assert.deepEqual(await link.run('false', [], { signal: SOON() }), { status: 3, stdout: 'out', stderr: 'err' });
});

test('a hundred links need no thread and no process, and leave nothing when they close', async (t) => {
  const { address } = await host(t, { streams: 'accept', onStream: () => undefined });
  const first = await open(address); // what loads once is loaded
  first.close();
  await until('it is gone', () => sockets() === 0);
  const before = { threads: readdirSync('/proc/self/task').length, timers: timers() };
  const links = await Promise.all(Array.from({ length: 100 }, () => open(address)));
  const streams = await Promise.all(links.map((link) => link.stream('/run/agent.sock', SOON())));
  assert.ok(streams.every((stream) => stream !== null));
  assert.equal(readdirSync('/proc/self/task').length, before.threads);
  assert.equal(process.getActiveResourcesInfo().includes('ProcessWrap'), false);
  assert.equal(sockets(), 200); // both ends are in this process
  const closed = streams.map((stream) => {
    stream?.on('error', () => undefined);
    return stream === null ? null : once(stream, 'close');
  });
  for (const link of links) link.close();
  await Promise.all(closed);
  await until('every socket is gone', () => sockets() === 0);
  await until('every timer is gone', () => timers() <= before.timers);
});
