import { type SpawnOptionsWithoutStdio, spawn } from 'node:child_process';

export interface GitOptions {
  readonly cwd: string;
  readonly signal?: AbortSignal | undefined;
  readonly env?: Readonly<Record<string, string>>;
  /** Written to git's standard input. */
  readonly input?: string | Buffer;
  /** Where standard output goes instead of into the result. */
  readonly onOutput?: (chunk: Buffer) => void | Promise<void>;
}

export interface GitResult {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Variables that would point git at another repository, index or configuration than the directory's own. */
const STRAY =
  /^GIT_(DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|NAMESPACE|PREFIX|EXTERNAL_DIFF|DIFF_OPTS|LITERAL_PATHSPECS|CONFIG_PARAMETERS|CONFIG_COUNT)$/;

/**
 * Runs git without asking for a password, without pagers and in English. Never rejects because git
 * failed: that is the result's `code`.
 * @returns null when git is not installed
 * @throws the signal's reason when aborted; what `onOutput` throws
 */
export async function runGit(args: readonly string[], options: GitOptions): Promise<GitResult | null> {
  options.signal?.throwIfAborted();
  const env: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(process.env)) if (!STRAY.test(name)) env[name] = value;
  const spawnOptions: SpawnOptionsWithoutStdio = {
    cwd: options.cwd,
    env: {
      ...env,
      // The folder's own configuration must not choose what runs.
      GIT_NO_LAZY_FETCH: '1',
      GIT_ALLOW_PROTOCOL: 'file:git:http:https:ssh',
      LC_ALL: 'C',
      GIT_OPTIONAL_LOCKS: '0',
      GIT_TERMINAL_PROMPT: '0',
      GIT_SSH_COMMAND: env.GIT_SSH_COMMAND ?? 'ssh -o BatchMode=yes',
      ...options.env,
    },
    signal: options.signal,
  };
  // A file system monitor would be a process that outlives us.
  const child = spawn('git', ['-c', 'core.fsmonitor=false', ...args], spawnOptions);
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve(null);
      else reject(options.signal?.aborted ? options.signal.reason : error);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
  child.stdin.on('error', () => {}); // git may end before it has read everything
  child.stdin.end(options.input);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < 10_000) stderr += text;
  });
  const chunks: Buffer[] = [];
  const reading = (async () => {
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
      if (options.onOutput === undefined) chunks.push(chunk);
      else await options.onOutput(chunk);
    }
  })();
  try {
    const [code] = await Promise.all([exit, reading]);
    return code === null ? null : { code, stdout: Buffer.concat(chunks), stderr: stderr.trim() };
  } catch (error) {
    child.kill();
    throw error;
  }
}

/** Standard output without its final newline; null when git failed or is not installed. */
export async function gitText(args: readonly string[], options: GitOptions): Promise<string | null> {
  const result = await runGit(args, options);
  if (result === null || result.code !== 0) return null;
  return result.stdout.toString('utf8').replace(/\n$/, '');
}
