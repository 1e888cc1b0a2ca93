/** C18: what starts the agent reaches the machine, unchanged. */
import { connect } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import {
  type AgentStart,
  type CloudInstance,
  type CreateRequest,
  MAX_ENTRYPOINT_BYTES,
  MAX_USER_DATA_BYTES,
} from '../../contract.ts';
import type { Bench } from '../bench.ts';
import type { Started } from '../fake.ts';
import { expect, type Rule, skip } from '../rule.ts';

const WHY =
  'An agent that does not start is a machine that is billed until the provisioning timeout, and then thrown away.';

/** A machine that boots answers nothing, or late. */
const GREETING_MS = 5_000;

export const startRules: readonly Rule[] = [
  {
    id: 'C18.1',
    title: 'the start script arrives unchanged, and runs',
    why: WHY,
    hint: 'Some clouds want it in base64, some as it is; none want it trimmed.',
    appliesTo: 'user-data',
    check: async (bench) => {
      const { request, started } = await arrived(bench);
      const script = request.agentStart.kind === 'user-data' ? request.agentStart.script : '';
      expect(
        started.userData === script,
        `${script.length} characters of script`,
        differenceOf(script, started.userData),
      );
      requireReached(started);
    },
  },
  {
    id: 'C18.2',
    title: 'a start script of 16 KiB is taken',
    why: 'Berth’s own may be as long as EC2 allows, and the user’s commands come on top.',
    hint: 'Where the cloud takes less, compress it, or use `ssh`.',
    appliesTo: 'user-data',
    check: async (bench) => {
      const head = '#!/bin/sh\n#';
      const script = `${head}${'x'.repeat(MAX_USER_DATA_BYTES - head.length)}`;
      const { started } = await arrived(bench, { kind: 'user-data', script });
      expect(started.userData === script, `${script.length} characters`, differenceOf(script, started.userData));
    },
  },
  {
    id: 'C18.3',
    title: 'the public keys may log in',
    why: WHY,
    hint: 'Send `agentStart.authorizedKeys`; where the cloud wants keys to be registered first, do that in `bootstrap`.',
    appliesTo: 'ssh',
    check: async (bench) => {
      const { request, started } = await arrived(bench);
      const keys = request.agentStart.kind === 'ssh' ? request.agentStart.authorizedKeys : [];
      const taken = (started.authorizedKeys ?? []).map(keyOf);
      const missing = keys.filter((key) => !taken.includes(keyOf(key)));
      expect(missing.length === 0, `${keys.length} keys`, `${started.authorizedKeys?.length ?? 0} keys, ours missing`);
      requireReached(started);
    },
  },
  {
    id: 'C18.4',
    title: 'image, command and environment arrive unchanged',
    why: WHY,
    hint: 'Hand the command over as words; who joins them for a shell must quote them.',
    appliesTo: 'entrypoint',
    check: async (bench) => {
      const { request, started } = await arrived(bench);
      const { agentStart } = request;
      if (agentStart.kind !== 'entrypoint') skip('it has no entrypoint');
      expect(started.image === agentStart.image, `image ${agentStart.image}`, `${started.image}`);
      const { command, env } = agentStart;
      expect(isDeepStrictEqual(started.command, command), JSON.stringify(command), JSON.stringify(started.command));
      const wrong = Object.entries(env).filter(([name, value]) => started.env?.[name] !== value);
      expect(wrong.length === 0, 'the environment', wrong.map(([name]) => `${name}=${started.env?.[name]}`).join(', '));
      requireReached(started);
    },
  },
  {
    id: 'C18.5',
    title: 'the container runs as root, whatever its image says',
    why: 'The agent prepares users, mounts and limits for the job; without root there is no job.',
    hint: 'Override the image’s user.',
    appliesTo: 'entrypoint',
    check: async (bench) => {
      const { started } = await arrived(bench);
      if (started.user === undefined) skip('the fake does not tell the user');
      expect(['root', '0', '0:0'].includes(started.user), 'user root', started.user);
    },
  },
  {
    id: 'C18.6',
    title: 'the registry’s credentials are used, and none are where there are none',
    why: 'A private image cannot be pulled without them.',
    hint: 'Register them with the cloud for this container, and remove them with it.',
    appliesTo: 'entrypoint',
    check: async (bench) => {
      const { request, started } = await arrived(bench);
      if (started.registry === undefined) skip('the fake does not tell the registry’s credentials');
      const wanted = request.agentStart.kind === 'entrypoint' ? request.agentStart.registry : null;
      const right =
        started.registry?.username === wanted?.username && started.registry?.password === wanted?.password.reveal();
      expect(
        right,
        `those of ${wanted?.username}`,
        started.registry === null ? 'none' : `others (${started.registry.username})`,
      );
      if (request.agentStart.kind !== 'entrypoint') return;
      const { started: open } = await arrived(bench, { ...request.agentStart, registry: null });
      expect((open.registry ?? null) === null, 'none for a public image', 'some');
    },
  },
  {
    id: 'C18.7',
    title: 'a command of 2 KiB is taken',
    why: 'Berth’s own needs nearly that much.',
    hint: 'Where the cloud takes less, say so in an issue: no such cloud is known.',
    appliesTo: 'entrypoint',
    check: async (bench) => {
      const { agentStart } = await bench.request();
      if (agentStart.kind !== 'entrypoint') skip('it has no entrypoint');
      const words = ['/bin/sh', '-c'];
      const rest = MAX_ENTRYPOINT_BYTES - words.join('').length;
      const command = [...words, `#${'x'.repeat(rest - 1)}`];
      const { started } = await arrived(bench, { ...agentStart, command });
      expect(
        isDeepStrictEqual(started.command, command),
        `${MAX_ENTRYPOINT_BYTES} bytes`,
        `${started.command?.join('').length}`,
      );
    },
  },
  {
    id: 'C18.8',
    title: 'the process runs, and listens where it was told to',
    why: WHY,
    hint: 'Start `agentStart.argv` detached, with `agentStart.env`.',
    appliesTo: 'process',
    check: async (bench) => {
      const { started } = await arrived(bench);
      requireReached(started);
    },
  },
  {
    id: 'C18.9',
    title: 'starting the agent of a machine where it runs does nothing',
    why: 'The server asks for it whenever a link breaks.',
    hint: 'Look whether it runs before it is started.',
    appliesTo: 'agent',
    check: async (bench) => {
      const agent = await bench.facet('agent');
      const { request, machine, ref } = await bench.running();
      bench.did(`agent.start ${ref.cloudId}, twice`);
      const first = await agent.start(ref, request.agentStart, bench.call());
      const second = await agent.start(ref, request.agentStart, bench.call());
      expect(isDeepStrictEqual(first, second), JSON.stringify(first), JSON.stringify(second));
      const told = await bench.found(request.token);
      expect(told?.cloudId === machine.cloudId, machine.cloudId, `${told?.cloudId}`);
    },
  },
  {
    id: 'C18.10',
    title: 'an SSH server answers at the address',
    why: WHY,
    hint: 'Open port 22 to the server, and tell the address at which it can be reached from outside.',
    appliesTo: 'vm',
    live: true,
    check: async (bench) => {
      if (!bench.isLive) skip('only a real machine can show it');
      const { request } = await bench.running();
      await bench.until('a greeting of SSH', async () => {
        const address = (await bench.found(request.token))?.address ?? null;
        if (address?.kind === 'unix') skip('its agents are reached by a socket');
        return address === null ? null : await greetingOf(address.host, address.port);
      });
    },
  },
];

/** Null: none, so far. */
async function greetingOf(host: string, port: number): Promise<string | null> {
  const socket = connect({ host, port, timeout: GREETING_MS });
  return await new Promise((resolve) => {
    const end = (greeting: string | null): void => {
      socket.destroy();
      resolve(greeting);
    };
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => end(text.startsWith('SSH-2.0') ? text : null));
    for (const event of ['timeout', 'error', 'close'] as const) socket.on(event, () => end(null));
  });
}

interface Arrived {
  readonly request: CreateRequest;
  readonly machine: CloudInstance;
  readonly started: Started;
}

/** Makes a machine and waits until the fake has seen what starts it. */
async function arrived(bench: Bench, agentStart?: AgentStart): Promise<Arrived> {
  const { fake } = bench;
  const look = fake.started?.bind(fake) ?? skip('the fake does not tell what reached its machines');
  const request = await bench.request(agentStart === undefined ? {} : { agentStart });
  const machine = await bench.create(request);
  const started = await bench.until('the machine to be started with something', async () => {
    const told = await look(machine.cloudId);
    return told === null || told.reached === false ? null : told;
  });
  return { request, machine, started };
}

function requireReached({ reached }: Started): void {
  expect(reached !== false, 'the machine to be reached', 'it was not');
}

/** A key without its comment, which clouds replace. */
function keyOf(line: string): string {
  return line.trim().split(/\s+/).slice(0, 2).join(' ');
}

function differenceOf(wanted: string, came: string | null | undefined): string {
  if (came == null) return 'none';
  const at = [...wanted].findIndex((letter, index) => letter !== came[index]);
  return `${came.length} characters, different from ${at < 0 ? wanted.length : at} on`;
}
