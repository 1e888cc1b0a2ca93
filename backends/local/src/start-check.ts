import { homedir, platform } from 'node:os';
import { isAbsolute, normalize, relative, sep } from 'node:path';
import { type AgentStart, BackendError, type ProcessStart } from '@berth/backend';

/** Bytes of a unix socket's path that fit into `sun_path` with its final zero (unix(7); macOS sys/un.h). */
const LONGEST_SOCKET_PATH = platform() === 'darwin' ? 103 : 107;

/** On this machine the agent is a process; the definition says so, and nobody should come with anything else. */
export function processStart(start: AgentStart): ProcessStart {
  if (start.kind === 'process') return start;
  throw new BackendError('config', `This machine starts the agent as a process, not by ${start.kind}.`);
}

/** Refuses, before anything is made, what could not work or could not be removed again without harm. */
export function checkStart(agentStart: ProcessStart, stateDir: string): void {
  const { argv, dir, socketPath } = agentStart;
  if (argv.length === 0) throw new BackendError('config', 'The agentStart names no program to start.');
  if (!isAbsolute(socketPath)) throw new BackendError('config', `The socket path "${socketPath}" is not absolute.`);
  const bytes = Buffer.byteLength(socketPath);
  if (bytes > LONGEST_SOCKET_PATH) {
    throw new BackendError(
      'config',
      `The path of the agent's socket has ${bytes} bytes, and this system allows ${LONGEST_SOCKET_PATH}: ${socketPath}. ` +
        'Let BERTH_HOME name a directory with a shorter path.',
    );
  }
  if (!isRemovable(dir, stateDir)) {
    throw new BackendError(
      'config',
      `"${dir}" cannot be an instance's directory: it would be deleted with the instance.`,
    );
  }
}

/**
 * Whether a directory may be deleted with all that is in it: an absolute path of its own, that holds
 * neither our state, nor the user's home, nor a whole branch of the system.
 */
export function isRemovable(dir: string, stateDir: string): boolean {
  if (!isAbsolute(dir) || normalize(dir) !== dir || dir.split(sep).filter((part) => part !== '').length < 2)
    return false;
  return !holds(dir, stateDir) && !holds(dir, homedir()) && !holds(dir, process.cwd());
}

/** The same directory counts as held. */
function holds(dir: string, inner: string): boolean {
  const way = relative(dir, inner);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}
