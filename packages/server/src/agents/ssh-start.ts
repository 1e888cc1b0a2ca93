import { createReadStream } from 'node:fs';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { BerthError } from '@berth/core/errors';
import type { InstanceId } from '@berth/core/ids';
import type { Secret } from '@berth/core/secret';
import type { MachineProgram, MachinePrograms } from './machine-programs.ts';
import type { RunResult } from './ssh-command.ts';
import { placeOf } from './ssh-error.ts';
import type { SshLink } from './ssh-link.ts';
import { LAST_WORDS, LOOK, START, TAKE } from './ssh-scripts.ts';

export interface StartOptions {
  readonly instance: InstanceId;
  readonly secret: Secret<string>;
  readonly programs: MachinePrograms;
  readonly signal: AbortSignal;
}

export interface ReachedAgent {
  readonly stream: Duplex;
  readonly socketPath: string;
}

/** The agent needs it; an older one on the machine is left alone and ours goes beside it. */
const OLDEST_NODE = 24;
/** Linux takes 107 bytes in a socket's address; the agent needs a few for a name beside it. */
const LONGEST_SOCKET_PATH = 99;
/** An emulated or overloaded machine takes half a minute to start Node. */
const UP_LIMIT_MS = 60_000;
/** An agent with a socket listens; after this long the host is what does not let us through. */
const REFUSED_LIMIT_MS = 5_000;
const LOOK_EVERY_MS = 1_000;
const FIRST_TRY_MS = 20;
const LONGEST_TRY_MS = 500;

/** What a machine says of itself, see `LOOK`. */
interface Facts {
  readonly system: string;
  readonly home: string;
  readonly gzip: boolean;
  /** One that is new enough. */
  readonly node: string | null;
  readonly running: boolean;
  readonly socket: boolean;
  readonly has: ReadonlySet<string>;
}

/**
 * Finds the agent of an instance on its machine; where none runs, installs and starts it. Everything that is
 * there already is left as it is.
 * @throws BerthError which says what the machine lacks; the signal's reason
 */
export async function reachAgent(link: SshLink, options: StartOptions): Promise<ReachedAgent> {
  const { signal } = options;
  const [node, agent] = await Promise.all([options.programs.node(), options.programs.agent()]);
  const facts = await look(link, options, [node.name, agent.name]);
  const socketPath = `${facts.home}/.berth-agent/${shortName(options.instance)}/agent.sock`;
  if (Buffer.byteLength(socketPath) > LONGEST_SOCKET_PATH) {
    throw new BerthError('not-supported', `${socketPath} on ${placeOf(link.address)} is too long for a unix socket.`, {
      hint: `Use a user with a shorter home directory than ${facts.home}.`,
    });
  }
  if (!facts.running) {
    if (facts.node === null) requireOurPlatform(link, facts);
    const missing = [...(facts.node === null ? [node] : []), agent].filter(({ name }) => !facts.has.has(name));
    for (const program of missing) await send(link, program, facts, signal);
    const bin = (name: string): string => `${facts.home}/.berth-agent/bin/${name}`;
    const words = [shortName(options.instance), facts.node ?? bin(node.name), bin(agent.name), options.instance];
    await succeed(link, START, words, 'The agent could not be started', {
      input: `${options.secret.reveal()}\n`,
      signal,
    });
  }
  return { stream: await listening(link, socketPath, options), socketPath };
}

/** 50 random bits of the instance's id: a socket's path has no room for all. */
const shortName = (instance: InstanceId): string => instance.slice(-10);

async function look(link: SshLink, options: StartOptions, programs: readonly string[]): Promise<Facts> {
  const { instance, signal } = options;
  const result = await link.run(LOOK, [shortName(instance), ...programs], { signal });
  const said = result.stdout.split('\n').flatMap((line) => {
    const [, name, value] = /^berth:([a-z]+)=(.*)$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  const of = (name: string): string => said.find(([found]) => found === name)?.[1] ?? '';
  const home = of('home');
  if (!home.startsWith('/')) {
    const output = `${result.stdout}${result.stderr}`.trim().slice(0, 300);
    throw new BerthError(
      'unavailable',
      `${placeOf(link.address)} did not run a shell script for us${output === '' ? '' : `; it said: ${output}`}.`,
      { hint: 'The user must be able to run commands by SSH and have a home directory.' },
    );
  }
  const version = Number(/^v(\d+)\./.exec(of('version'))?.[1] ?? 0);
  return {
    system: of('system'),
    home,
    gzip: of('gzip') === 'yes',
    node: version >= OLDEST_NODE ? of('node') : null,
    running: of('running') !== '',
    socket: of('socket') === 'yes',
    has: new Set(said.flatMap(([name, value]) => (name === 'has' ? [value] : []))),
  };
}

/** By Node's name of the architecture, what `uname -m` says. */
const MACHINE_NAMES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

function requireOurPlatform(link: SshLink, { system }: Facts): void {
  const machine = MACHINE_NAMES[process.arch];
  if (process.platform === 'linux' && system === `Linux ${machine}`) return;
  throw new BerthError(
    'not-supported',
    `${placeOf(link.address)} is ${system}, and this server, ${process.platform} ${process.arch}, has no program for it.`,
    { hint: `Install Node ${OLDEST_NODE} there, or use machines that are Linux ${machine ?? process.arch}.` },
  );
}

async function send(link: SshLink, program: MachineProgram, facts: Facts, signal: AbortSignal): Promise<void> {
  const path = facts.gzip ? await program.packed() : program.path;
  const input = createReadStream(path, { highWaterMark: 256 * 1024 });
  try {
    const words = [program.name, program.sha256, facts.gzip ? 'gzip' : 'plain'];
    await succeed(link, TAKE, words, `${program.name} could not be put there`, { input, signal });
  } finally {
    input.destroy();
  }
}

async function succeed(
  link: SshLink,
  script: string,
  words: readonly string[],
  failure: string,
  options: Parameters<SshLink['run']>[2],
): Promise<RunResult> {
  const result = await link.run(script, words, options);
  if (result.status === 0) return result;
  const why = result.stderr.trim().slice(-500) || `exit status ${result.status}`;
  throw new BerthError('unavailable', `${failure} (${placeOf(link.address)}): ${why}`, {
    hint: 'Look at free disk space and at the rights of the home directory there.',
  });
}

/** A fresh agent needs a while until it listens. */
async function listening(link: SshLink, socketPath: string, options: StartOptions): Promise<Duplex> {
  const { signal } = options;
  const began = performance.now();
  let lookAt = began + LOOK_EVERY_MS;
  for (let wait = FIRST_TRY_MS; ; wait = Math.min(wait * 1.5, LONGEST_TRY_MS)) {
    const stream = await link.stream(socketPath, signal);
    if (stream !== null) return stream;
    const now = performance.now();
    if (now >= lookAt) {
      lookAt = now + LOOK_EVERY_MS;
      const facts = await look(link, options, []);
      if (!facts.running) throw await notUp(link, options);
      if (facts.socket && now - began > REFUSED_LIMIT_MS) throw notAllowed(link, socketPath);
      if (now - began > UP_LIMIT_MS) throw await notUp(link, options);
    }
    await sleep(wait, undefined, { signal });
  }
}

async function notUp(link: SshLink, { instance, signal }: StartOptions): Promise<BerthError> {
  const words = await link.run(LAST_WORDS, [shortName(instance)], { signal });
  const said = words.stdout.trim().slice(-1_000);
  return new BerthError(
    'unavailable',
    `The agent on ${placeOf(link.address)} does not come up${said === '' ? '' : `; it said: ${said}`}.`,
    {
      hint: `The machine must be Linux with glibc 2.28 or later (or have a Node ${OLDEST_NODE} of its own), and may run programs from the home directory.`,
    },
  );
}

function notAllowed(link: SshLink, socketPath: string): BerthError {
  return new BerthError(
    'unavailable',
    `${placeOf(link.address)} does not let us through to ${socketPath}, where the agent listens.`,
    {
      hint: 'Its sshd_config must allow it: AllowStreamLocalForwarding yes (or local), and no DisableForwarding.',
    },
  );
}
