import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AgentStart } from '@berth/backend';
import { BerthError } from '@berth/core/errors';
import type { InstanceId, RandomBytes } from '@berth/core/ids';
import type { Secret } from '@berth/core/secret';
import type { EnginePorts } from '@berth/engine';
import { agentPaths, type Home } from '../config/home.ts';
import { installationKey } from './installation-key.ts';
import { hostKeyOf } from './ssh-key.ts';
import { userData } from './user-data.ts';

/** In a clone this file is TypeScript; in an installed package it is part of `dist/server.js`. */
const isSource = import.meta.url.endsWith('.ts');

/** The program of the agent. */
export const agentProgram = (): string =>
  fileURLToPath(new URL(isSource ? '../../../agent/src/main.ts' : './agent.js', import.meta.url));

/**
 * How an agent is started on the machines of a backend: what the backend's definition says is possible there.
 * @throws BerthError `not-supported` for what is not built yet, `unavailable` when our SSH key cannot be read
 */
export function agentStartFor(home: Home, random: RandomBytes): EnginePorts['agentStart'] {
  return (instance, backend, agentSecret) => {
    switch (backend.agentStart) {
      case 'process':
        return processStart(home, instance, agentSecret);
      case 'ssh':
        return { kind: 'ssh', authorizedKeys: [installationKey(home, random).public] };
      case 'user-data':
        return {
          kind: 'user-data',
          script: userData({
            authorizedKeys: [installationKey(home, random).public],
            hostKey: hostKeyOf(instance, agentSecret),
          }),
        };
      case 'entrypoint':
        throw new BerthError('not-supported', `Containers of ${backend.name} cannot be given an agent yet.`, {
          hint: 'Use a backend that sells whole machines.',
        });
    }
  };
}

/** On this machine: a process of its own, which outlives the server. */
function processStart(home: Home, instance: InstanceId, agentSecret: Secret<string>): AgentStart {
  const { dir, socket } = agentPaths(home, instance);
  return {
    kind: 'process',
    argv: [process.execPath, agentProgram(), '--dir', dir, '--socket', socket, '--instance', instance],
    env: {
      BERTH_AGENT_SECRET: agentSecret.reveal(),
      // The second agent starts in half the time of the first.
      NODE_COMPILE_CACHE: join(home.cache, 'compile'),
    },
    socketPath: socket,
    dir,
  };
}
