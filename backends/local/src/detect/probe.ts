import { spawn } from 'node:child_process';
import { delimiter } from 'node:path';

export type ProbeOutcome =
  | { readonly kind: 'absent' }
  /** `output` is what it wrote, errors after the rest: vendors' tools report on either. */
  | { readonly kind: 'done'; readonly output: string; readonly exitCode: number | null }
  | { readonly kind: 'late' };

/** Runs a program of a vendor and waits until it is done or the signal aborts. Never throws. */
export type Probe = (program: string, args: readonly string[], signal: AbortSignal) => Promise<ProbeOutcome>;

/** A listing of 16 devices is some 20 KB; a tool that writes more is not listing devices. */
const OUTPUT_LIMIT_BYTES = 1024 * 1024;

/** Where the tools are when they are not on the PATH: WSL, Google's container images, ROCm. */
const USUAL_PLACES = ['/usr/lib/wsl/lib', '/usr/local/nvidia/bin', '/opt/rocm/bin'];

export const runProbe: Probe = async (program, args, signal) => {
  try {
    return await run(program, args, signal);
  } catch {
    // Not even a process could be made (no memory, no file descriptors): nothing can be said of the tool.
    return { kind: 'absent' };
  }
};

function run(program: string, args: readonly string[], signal: AbortSignal): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ kind: 'late' });
    const path = [process.env.PATH ?? '', ...USUAL_PLACES].join(delimiter);
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PATH: path, LC_ALL: 'C' },
    });
    const chunks: { readonly stdout: Buffer[]; readonly stderr: Buffer[] } = { stdout: [], stderr: [] };
    let size = 0;
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size <= OUTPUT_LIMIT_BYTES) chunks[stream].push(chunk);
        else child.kill('SIGKILL');
      });
    }
    const finish = (outcome: ProbeOutcome): void => {
      signal.removeEventListener('abort', onAbort);
      resolve(outcome);
    };
    const onAbort = (): void => {
      // A driver that hangs holds the process where no signal reaches it, so it is left and not waited for.
      child.kill('SIGKILL');
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      finish({ kind: 'late' });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    child.on('error', () => finish({ kind: 'absent' }));
    child.on('close', (exitCode) => {
      const output = Buffer.concat([...chunks.stdout, ...chunks.stderr]).toString('utf8');
      finish({ kind: 'done', output, exitCode });
    });
  });
}
