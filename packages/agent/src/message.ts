import type { BlobHash, ClusterInfo, InstanceId, JobAssignment, JobId, RunId } from '@berth/core';
import { FrameError } from './frame.ts';
import type { AgentMessage, AgentMethods, ServerMessage } from './protocol.ts';
import {
  amount,
  asObject,
  boolean,
  list,
  matching,
  nullable,
  object,
  oneOf,
  record,
  type Shape,
  ShapeError,
  string,
  whole,
} from './shape.ts';

/** Parses what either side receives. Past this file messages are trusted. */

/** Ids become names of directories and containers, so nothing but these characters may be in them. */
const ID = /^[0-9a-z][0-9a-z_-]{0,63}$/;
const jobId = matching<JobId>(ID, 'a job id');
const runId = matching<RunId>(ID, 'a run id');
const instanceId = matching<InstanceId>(ID, 'an instance id');
const blobHash = matching<BlobHash>(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hex');
const gitCommit = matching<string>(/^[0-9a-f]{40}([0-9a-f]{24})?$/, 'a full commit hash');

const gitCode = object({
  kind: oneOf('git'),
  remote: string,
  branch: nullable(string),
  commit: gitCommit,
  diff: nullable(blobHash),
  path: string,
  ifExists: oneOf('error', 'skip'),
});
const tarCode = object({
  kind: oneOf('tar'),
  blob: blobHash,
  bytes: whole,
  path: string,
  ifExists: oneOf('error', 'skip'),
});
const code: Shape<ReturnType<typeof gitCode> | ReturnType<typeof tarCode>> = (value, path) =>
  asObject(value, path).kind === 'git' ? gitCode(value, path) : tarCode(value, path);

const work = object({
  image: nullable(string),
  registryAuth: nullable(object({ username: string, password: string })),
  entrypoint: nullable(list(string)),
  commands: list(string),
  shell: string,
  env: record(string),
  user: nullable(string),
  workingDir: nullable(string),
  privileged: boolean,
  shmMiB: nullable(amount),
  ports: list(object({ container: whole, local: nullable(whole) })),
  mounts: list(object({ instancePath: string, path: string, optional: boolean })),
  maxDurationMs: nullable(amount),
  stopDurationMs: amount,
  code: nullable(code),
  files: list(object({ blob: blobHash, bytes: whole, path: string })),
  artifacts: list(string),
});

const assignment: Shape<JobAssignment> = object({
  job: jobId,
  run: runId,
  runName: string,
  projectName: string,
  jobName: string,
  work,
  env: record(string),
  limits: object({ cpus: nullable(amount), memoryMiB: nullable(amount), gpuDevices: list(string) }),
  network: oneOf('host', 'bridge'),
});

const cluster: Shape<ClusterInfo> = object({ rank: whole, ips: list(string), gpusPerNode: list(whole) });

/** The parameters of every method, as the agent parses them. */
export const METHOD_PARAMS: { readonly [M in keyof AgentMethods]: Shape<AgentMethods[M]['params']> } = {
  'job.submit': object({ assignment }),
  'job.start': object({ job: jobId, cluster }),
  'job.stop': object({ job: jobId, graceMs: amount }),
  'job.remove': object({ job: jobId }),
  'blob.missing': object({ hashes: list(blobHash) }),
  'blob.put': object({ hash: blobHash, offset: whole, last: boolean }),
  'artifacts.read': object({ job: jobId, offset: whole }),
  'agent.shutdown': object({}),
};

/** Names only: a method that this agent does not know is answered, not punished. */
export function isMethod(name: string): name is keyof AgentMethods {
  return Object.hasOwn(METHOD_PARAMS, name);
}

const serverHello = object({
  t: oneOf('hello'),
  protocol: whole,
  server: string,
  secret: string,
  instance: instanceId,
  resume: object({ event: whole, logs: record(whole) }),
});

/** A request whose method and parameters are not checked yet. */
export interface RawRequest {
  readonly t: 'req';
  readonly id: number;
  readonly method: string;
  readonly params: unknown;
}

const request: Shape<Omit<RawRequest, 'params'>> = object({ t: oneOf('req'), id: whole, method: string });
const ack = object({ t: oneOf('ack'), seq: whole });
const logAck = object({ t: oneOf('logAck'), job: jobId, offset: whole });

export type ParsedServerMessage = Exclude<ServerMessage, { t: 'req' }> | RawRequest;

/** Throws `FrameError` for anything that a server would not say. */
export function parseServerMessage(header: unknown): ParsedServerMessage {
  return parsing(() => {
    const source = asObject(header, 'message');
    switch (source.t) {
      case 'hello':
        return serverHello(header, 'hello');
      case 'req':
        return { ...request(header, 'req'), params: source.params };
      case 'ack':
        return ack(header, 'ack');
      case 'logAck':
        return logAck(header, 'logAck');
      default:
        throw new ShapeError('message.t', 'a kind of message that a server sends');
    }
  });
}

const agentShapes: { readonly [T in AgentMessage['t']]: Shape<object> } = {
  hello: object({
    protocol: whole,
    version: string,
    instance: instanceId,
    bootId: string,
    pid: whole,
    jobs: list(asObject),
  }),
  refused: object({ reason: oneOf('secret', 'instance', 'protocol'), message: string }),
  res: object({ id: whole, ok: boolean }),
  event: object({ seq: whole, at: amount, event: asObject }),
  log: object({ job: jobId, offset: whole, at: amount }),
  metrics: object({ metrics: list(asObject) }),
};

/** Throws `FrameError` for anything that an agent would not say. */
export function parseAgentMessage(header: unknown): AgentMessage {
  return parsing(() => {
    const kind = asObject(header, 'message').t;
    if (typeof kind !== 'string' || !Object.hasOwn(agentShapes, kind)) {
      throw new ShapeError('message.t', 'a kind of message that an agent sends');
    }
    agentShapes[kind as AgentMessage['t']](header, kind); // an own key, checked above
    // The agent has the server's own version of this file; the fields that the link itself relies on
    // are checked, what an event says is for the engine to read.
    return header as AgentMessage;
  });
}

function parsing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ShapeError) throw new FrameError(error.message, { cause: error });
    throw error;
  }
}
