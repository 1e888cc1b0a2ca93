import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EnginePorts } from '@berth/engine';
import { agentPaths, type Home } from '../config/home.ts';

/** In a clone this file is TypeScript; in an installed package it is part of `dist/server.js`. */
const isSource = import.meta.url.endsWith('.ts');

/** The program of the agent. */
export const agentProgram = (): string =>
  fileURLToPath(new URL(isSource ? '../../../agent/src/main.ts' : './agent.js', import.meta.url));

/** How an agent on this machine is started: as a process of its own, which outlives the server. */
export function agentStartFor(home: Home): EnginePorts['agentStart'] {
  return (instance, _backend, agentSecret) => {
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
  };
}
