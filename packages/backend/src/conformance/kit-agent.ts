/** What the kit starts machines with: like Berth's own, but told apart in whatever the fake saw of it. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Secret } from '@berth/core/secret';
import type { AgentStart, AgentStartKind } from '../contract.ts';

/** Listens where an agent would, and ends when it is told to. */
const LISTENER = `import { createServer } from 'node:net';
const socket = process.argv[2];
const server = createServer((peer) => peer.end()).listen(socket);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;

export const KIT_IMAGE = 'docker.io/library/berth-conformance:1';
/** Long and strange enough that a quoting mistake anywhere shows. */
const AWKWARD = `it's "quoted", \\escaped, $HOME and \`ticks\`; ünïcode`;

export interface KitAgentOptions {
  /** Of the kit; processes get folders in it. */
  readonly dir: string;
  readonly token: string;
  readonly authorizedKey: string;
  readonly registryPassword: string;
}

/** Writes down what has to be on the disk of this machine. */
export async function kitAgentStart(kind: AgentStartKind, options: KitAgentOptions): Promise<AgentStart> {
  const { dir, token, authorizedKey, registryPassword } = options;
  switch (kind) {
    case 'process': {
      const program = join(dir, 'kit-agent.mjs');
      const own = join(dir, 'agents', token);
      await mkdir(join(dir, 'agents'), { recursive: true, mode: 0o700 });
      await writeFile(program, LISTENER);
      const socketPath = join(dir, 'agents', `${token.slice(-8)}.sock`);
      return { kind, argv: [process.execPath, program, socketPath], env: { KIT: AWKWARD }, socketPath, dir: own };
    }
    case 'user-data':
      return { kind, script: `#!/bin/sh\n# ${token}: ${AWKWARD}\necho ready > /tmp/berth-kit\n` };
    case 'ssh':
      return { kind, authorizedKeys: [authorizedKey] };
    case 'entrypoint':
      return {
        kind,
        image: KIT_IMAGE,
        command: ['/bin/sh', '-c', `echo "$KIT" # ${AWKWARD}`],
        env: { KIT: AWKWARD, KIT_TOKEN: token },
        registry: { username: 'kit', password: new Secret(registryPassword) },
      };
  }
}

/** A public key of its own, in OpenSSH's form; nobody has its private half. */
export function throwAwayKey(): string {
  const { publicKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const field = (bytes: Uint8Array): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return Buffer.concat([length, bytes]);
  };
  const blob = Buffer.concat([field(Buffer.from('ssh-ed25519')), field(raw)]);
  return `ssh-ed25519 ${blob.toString('base64')} berth-conformance`;
}
