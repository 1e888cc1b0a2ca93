import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { AuthContext, Connection, ParsedKey, ServerChannel, Session } from 'ssh2';
import ssh2 from 'ssh2';

export interface SshServerOptions {
  /** Private, in OpenSSH's form. */
  readonly hostKey: string;
  readonly authorizedKeys: readonly string[];
  readonly home: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Clients prefer ChaCha20, which `ssh2` does in JavaScript, or AES with a separate MAC; this one the CPU does in one go. */
const CIPHERS: ssh2.CipherAlgorithm[] = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'];

/**
 * An SSH server on 127.0.0.1: public keys, commands and shells through `sh`, connections onward to TCP ports
 * and unix sockets. @returns its port
 */
export async function serveSsh(options: SshServerOptions): Promise<number> {
  const keys = options.authorizedKeys.flatMap((line) => {
    const key = ssh2.utils.parseKey(line);
    return key instanceof Error ? [] : [key];
  });
  const ssh = new ssh2.Server({ hostKeys: [options.hostKey], algorithms: { cipher: CIPHERS } }, (client) =>
    serveClient(client, keys, options),
  );
  // SSH's small packets in both directions are the worst case of Nagle's algorithm: with it a command takes 180 ms.
  const server = createServer({ noDelay: true }, (socket) => ssh.injectSocket(socket));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port; // It listens on TCP, so it has one.
}

function serveClient(client: Connection, keys: readonly ParsedKey[], options: SshServerOptions): void {
  client.on('error', () => {}); // A client that breaks off is its own affair.
  client.on('authentication', (context) => {
    if (isAuthorized(context, keys)) context.accept();
    else context.reject(['publickey']);
  });
  client.on('session', (accept) => serveSession(accept(), options));
  client.on('tcpip', (accept, reject, { destIP, destPort }) => forward(connect(destPort, destIP), accept, reject));
  client.on('openssh.streamlocal', (accept, reject, { socketPath }) => forward(connect(socketPath), accept, reject));
}

function isAuthorized(context: AuthContext, keys: readonly ParsedKey[]): boolean {
  if (context.method !== 'publickey') return false;
  const key = keys.find((known) => known.getPublicSSH().equals(context.key.data));
  if (key === undefined || key.type !== keyType(context.key.algo)) return false;
  // Without a signature the client only asks whether the key would do.
  if (context.signature === undefined || context.blob === undefined) return true;
  return key.verify(context.blob, context.signature, context.hashAlgo) === true;
}

/** RSA keys sign by several algorithms. */
function keyType(algorithm: string): string {
  return algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm;
}

function serveSession(session: Session, { home, env }: SshServerOptions): void {
  const asked: Record<string, string> = {};
  let child: ChildProcessWithoutNullStreams | undefined;
  const start = (args: readonly string[], accept: () => ServerChannel): void => {
    // A group of its own, as sshd gives it: a signal for the command is not one for the machine.
    child = spawn('/bin/sh', args, { cwd: home, env: { ...asked, ...env }, detached: true });
    join(child, accept());
  };
  session.on('env', (accept, _reject, { key, val }) => {
    asked[key] = val;
    accept?.();
  });
  session.on('exec', (accept, _reject, { command }) => start(['-c', command], accept));
  session.on('shell', (accept) => start([], accept));
  session.on('signal', (accept, reject, { name }) => {
    try {
      if (child?.pid === undefined) throw new Error('nothing runs');
      process.kill(-child.pid, `SIG${name}` as NodeJS.Signals);
      accept?.();
    } catch {
      reject?.();
    }
  });
}

/** The command's streams become the channel's, with back-pressure both ways. */
function join(child: ChildProcessWithoutNullStreams, channel: ServerChannel): void {
  channel.on('error', () => {});
  // A command that does not read its input ends it; what still comes is thrown away, or the client would wait.
  child.stdin.on('error', () => channel.resume());
  channel.pipe(child.stdin);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  channel.on('close', () => {
    // The client is gone: whoever still writes is told by SIGPIPE, as under sshd.
    child.stdin.destroy();
    child.stdout.destroy();
    child.stderr.destroy();
  });
  child.on('error', (error) => {
    channel.stderr.write(`${error.message}\n`);
    channel.exit(127);
    channel.end();
  });
  // Not `exit`: what the command's children still have to say belongs to it.
  child.on('close', (code, signal) => {
    if (code !== null) channel.exit(code);
    else channel.exit((signal ?? 'SIGTERM').slice(3));
    channel.end();
  });
}

function forward(socket: Socket, accept: () => ServerChannel, reject: () => void): void {
  socket.once('error', reject);
  socket.once('connect', () => {
    socket.off('error', reject);
    const channel = accept();
    channel.on('error', () => socket.destroy());
    channel.on('close', () => socket.destroy());
    socket.on('error', () => channel.close());
    socket.pipe(channel).pipe(socket);
  });
}
