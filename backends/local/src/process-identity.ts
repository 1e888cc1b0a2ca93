import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { promisify } from 'node:util';

/** A process of this machine, so that another one that was given its pid later is not taken for it. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it began, in the words of the system; with the boot it began in, where the system tells of that. */
  readonly startedAt: string;
}

const run = promisify(execFile);

/** `ps` answers in some 20 ms; a machine where it takes longer than this has other troubles. */
const PS_TIMEOUT_MS = 5_000;

/** The process that has this pid now; null when none has, or it is dead and only not yet waited for. */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  const startedAt = platform() === 'linux' ? await startOnLinux(pid) : await startByPs(pid);
  return startedAt === null ? null : { pid, startedAt };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.startedAt === identity.startedAt;
}

/**
 * The process that was started with these words; null when there is none. It finds an agent whose pid
 * nobody could write down any more; the words hold the instance's own directory, so two agents never
 * share them. The program itself is not compared: the kernel puts an interpreter in front of a script.
 * Only leaders of a process group count: a child that is about to become another program still has
 * its parent's words.
 */
export async function findByArguments(argv: readonly string[]): Promise<ProcessIdentity | null> {
  const words = argv.slice(1);
  if (words.length === 0) return null;
  for (const pid of platform() === 'linux' ? await pidsOnLinux(words) : await pidsByPs(words)) {
    const identity = await identify(pid);
    if (identity !== null) return identity;
  }
  return null;
}

/**
 * The agent that runs for an instance: the one that was written down, or the one that could not be,
 * because the server died or the disk was full at that moment.
 */
export async function findAgent(of: {
  readonly process: ProcessIdentity | null;
  readonly argv: readonly string[];
}): Promise<ProcessIdentity | null> {
  if (of.process !== null && (await isAlive(of.process))) return of.process;
  return await findByArguments(of.argv);
}

/** Sends a signal; a process that is gone has nothing against it. A negative pid means its process group. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Places in what follows the name in /proc/<pid>/stat, which is field 2 (proc(5)). */
const STATE = 3 - 3;
const GROUP = 5 - 3;
const START_TIME = 22 - 3;

const SESSION = 6 - 3;

/** The session that a process belongs to (Linux); null: it is gone. */
export async function sessionOf(pid: number | string): Promise<number | null> {
  const session = (await statFields(pid))?.[SESSION];
  return session === undefined ? null : Number(session);
}

async function statFields(pid: number | string): Promise<readonly string[] | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  // The name stands in parentheses and may hold anything, parentheses too.
  return stat === null ? null : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

async function startOnLinux(pid: number): Promise<string | null> {
  const fields = await statFields(pid);
  const state = fields?.[STATE];
  const ticks = fields?.[START_TIME];
  if (ticks === undefined || state === 'Z' || state === 'X') return null;
  // The ticks count from the boot, so after another one the same pid may have the same number.
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => '');
  return `${boot.trim()}/${ticks}`;
}

async function startByPs(pid: number): Promise<string | null> {
  const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { timeout: PS_TIMEOUT_MS }).catch(
    () => ({ stdout: '' }),
  );
  const [, state, start] = /^\s*(\S+)\s+(.+?)\s*$/m.exec(stdout) ?? [];
  return state === undefined || start === undefined || state.startsWith('Z') ? null : start;
}

async function pidsOnLinux(words: readonly string[]): Promise<readonly number[]> {
  const wanted = `\0${words.join('\0')}\0`;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return line.endsWith(wanted) && (await statFields(pid))?.[GROUP] === pid ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

async function pidsByPs(words: readonly string[]): Promise<readonly number[]> {
  const { stdout } = await run('ps', ['-axww', '-o', 'pid=,pgid=,args='], {
    timeout: PS_TIMEOUT_MS,
    maxBuffer: 2 ** 24,
  });
  const wanted = ` ${words.join(' ')}`;
  return stdout.split('\n').flatMap((line) => {
    const [, pid, group, args] = /^\s*(\d+)\s+(\d+)\s(.*?)\s*$/.exec(line) ?? [];
    return pid === group && args?.endsWith(wanted) ? [Number(pid)] : [];
  });
}
