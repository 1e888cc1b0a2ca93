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

/** Sends a signal; a process that is gone has nothing against it. A negative pid means its process group. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

async function startOnLinux(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => null);
  if (stat === null) return null;
  // proc(5): the name in parentheses may hold anything, parentheses too; after it come state (3) … starttime (22).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const ticks = fields[22 - 3];
  if (state === 'Z' || state === 'X' || ticks === undefined) return null;
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
  const lines = await Promise.all(
    pids.map(async (pid) => ({ pid, line: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') })),
  );
  return lines.filter(({ line }) => line.endsWith(wanted)).map(({ pid }) => Number(pid));
}

async function pidsByPs(words: readonly string[]): Promise<readonly number[]> {
  const { stdout } = await run('ps', ['-axww', '-o', 'pid=,args='], { timeout: PS_TIMEOUT_MS, maxBuffer: 2 ** 24 });
  const wanted = ` ${words.join(' ')}`;
  return stdout.split('\n').flatMap((line) => {
    const [, pid, args] = /^\s*(\d+)\s(.*?)\s*$/.exec(line) ?? [];
    return args?.endsWith(wanted) ? [Number(pid)] : [];
  });
}
