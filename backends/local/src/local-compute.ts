import {
  type AgentAddress,
  type AgentStart,
  BackendError,
  type Call,
  type CloudInstance,
  type Compute,
  type CreateRequest,
  type ErrorScope,
  type InstanceRef,
  type ProcessStart,
} from '@berth/backend';
import { agentArguments, removeStartFiles, startAgent } from './agent-process.ts';
import { endInstance } from './end-instance.ts';
import { type InstanceRecord, isReadable, isToken, type UnreadableRecord } from './instance-records.ts';
import { freeDevices, type InstanceType, instanceTypes } from './instance-types.ts';
import { type LocalContext, type LocalMachine, occupationOf, whileAllocating } from './local-machine.ts';
import { REGION } from './local-offers.ts';
import { loopbackAddress } from './loopback.ts';
import { findAgent, findByArguments } from './process-identity.ts';
import { checkStart, processStart } from './start-check.ts';

/** Somebody waits for `terminate`; what takes longer goes on without them, and `list` tells of it (C4). */
const TERMINATE_WAIT_MS = 3_000;

/** A machine may be free again at any moment, so nobody should stay away for long. */
const FULL_RETRY_MS = 1_000;

const ID_PREFIX = 'local-';

export function localCompute(context: LocalContext, machine: LocalMachine): Compute {
  const { records, lock } = machine;
  const oneAtATime = <T>(token: string, work: () => Promise<T>): Promise<T> => lock.run(token, work);

  /** Starts the agent and writes its process down. Throws before there is a process, never after. */
  const start = async (record: InstanceRecord, agentStart: ProcessStart): Promise<InstanceRecord> => {
    const agent = await startAgent(agentStart, record.resources);
    const started = { ...record, argv: [...agentArguments(agentStart)], process: agent };
    await records.write(started).catch((error: unknown) => {
      // The machine is there and on the books; that its process is not, `findByArguments` makes up for.
      context.log.warn(`The agent of ${ID_PREFIX}${record.token} runs, but its pid could not be written down.`, {
        error,
      });
    });
    return started;
  };

  /** The first start: when it is refused there is no machine, and the books must not hold one. */
  const startNew = async (record: InstanceRecord, agentStart: ProcessStart): Promise<CloudInstance> => {
    try {
      return tellOf(await start(record, agentStart), 'running');
    } catch (error) {
      await removeStartFiles(record.dir).catch(() => {});
      await records.remove(record.token);
      throw error;
    }
  };

  const create = async (request: CreateRequest, call: Call): Promise<CloudInstance> => {
    const { token } = request;
    const agentStart = processStart(request.agentStart);
    if (!isToken(token))
      throw new BackendError('config', `"${token}" is no token: letters and digits, at most 32 (C2).`);
    checkStart(agentStart, context.stateDir);
    return await oneAtATime(token, async () => {
      stopIfAborted(call);
      const before = await records.read(token);
      if (before !== null) return await sameMachine(before, agentStart);
      if (await records.isEnded(token)) {
        throw new BackendError('config', `Instance ${ID_PREFIX}${token} was ended, and its token is used up (C2).`);
      }
      const record = await whileAllocating(() => allocate(context, machine, request, call));
      return await startNew(record, agentStart);
    });
  };

  /** `create` with a token that was used before (C2). */
  const sameMachine = async (
    record: InstanceRecord | UnreadableRecord,
    agentStart: ProcessStart,
  ): Promise<CloudInstance> => {
    if (!isReadable(record)) throw unreadable(record);
    if (record.terminating || record.process !== null) return tellOf(record, stateOf(record));
    // The server died between the record and the process, or between the process and writing it down.
    const found = await findByArguments(record.argv);
    if (found === null) return await startNew(record, agentStart);
    const adopted = { ...record, process: found };
    await records.write(adopted);
    return tellOf(adopted, 'running');
  };

  const list = async (call: Call): Promise<readonly CloudInstance[]> => {
    const all = await records.readAll();
    const told = await Promise.all(
      all.records.map(async (record) => {
        const unsettled = record.process === null && !record.terminating;
        const isRunning = unsettled && (await findByArguments(record.argv)) !== null;
        return tellOf(record, isRunning ? 'running' : stateOf(record));
      }),
    );
    for (const { token, problem } of all.unreadable) {
      call.log.error(`The record of instance ${ID_PREFIX}${token} cannot be read; it can only be terminated.`, {
        problem,
      });
    }
    return [...told, ...all.unreadable.map(tellOfUnreadable)];
  };

  const terminate = async (ref: InstanceRef, call: Call): Promise<void> => {
    const { token } = ref;
    // A machine that we could not have made is not here, which is success (C4).
    if (!isToken(token) || ref.cloudId !== ID_PREFIX + token) return;
    let ending = machine.ending.get(token);
    if (ending === undefined) {
      ending = oneAtATime(token, () =>
        endInstance(token, { records, stateDir: context.stateDir, log: context.log, clock: context.clock }),
      );
      machine.ending.set(token, ending);
      ending.then(
        () => machine.ending.delete(token),
        (error: unknown) => {
          machine.ending.delete(token);
          context.log.warn(`Instance ${ref.cloudId} could not be ended; it stays on the books.`, { error });
        },
      );
    }
    await unlessLate(ending, TERMINATE_WAIT_MS, call.signal);
  };

  const startAgain = async (ref: InstanceRef, given: AgentStart): Promise<AgentAddress> => {
    const agentStart = processStart(given);
    checkStart(agentStart, context.stateDir);
    return await oneAtATime(ref.token, async () => {
      const record = isToken(ref.token) ? await records.read(ref.token) : null;
      if (record !== null && !isReadable(record)) throw unreadable(record);
      if (record === null || record.terminating) {
        const why = record === null ? 'does not exist' : 'is being terminated';
        throw new BackendError('not-found', `Instance ${ref.cloudId} ${why}, so its agent cannot be started.`);
      }
      const agent = await findAgent(record);
      if (agent === null) await start(record, agentStart);
      else if (agent !== record.process) await records.write({ ...record, process: agent });
      return { kind: 'unix', path: agentStart.socketPath };
    });
  };

  return { create, list, terminate, agent: { start: startAgain } };
}

/** Takes a place, an address and devices, and writes them down before there is anything to lose (C2). */
async function allocate(
  context: LocalContext,
  machine: LocalMachine,
  request: CreateRequest,
  call: Call,
): Promise<InstanceRecord> {
  const start = processStart(request.agentStart);
  const host = await machine.host(context);
  const occupation = await occupationOf(machine);
  const limit = context.config.max_instances;
  if (occupation.instances >= limit) {
    throw full(`This machine holds ${occupation.instances} instances, and max_instances is ${limit}.`, 'account');
  }
  const { instanceType } = request.offer;
  const type = instanceTypes(host).find((candidate) => candidate.name === instanceType);
  if (type === undefined) throw full(`This machine has no ${instanceType} any more; its devices changed.`);
  const gpuDevices = takeDevices(type, occupation);
  const record: InstanceRecord = {
    token: request.token,
    name: request.name,
    tags: request.tags,
    instance: request.instance,
    instanceType,
    createdAt: context.clock.now(),
    resources: { ...type.resources, accelerators: [...type.resources.accelerators] },
    gpuDevices: [...gpuDevices],
    internalIp: loopbackAddress(request.token, occupation.addresses, process.platform),
    dir: start.dir,
    socketPath: start.socketPath,
    argv: [...agentArguments(start)],
    process: null,
    terminating: false,
  };
  stopIfAborted(call); // the last moment at which nothing has happened
  try {
    await machine.records.write(record);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new BackendError('transient', `The instance cannot be written down: ${message}.`, { cause: error });
  }
  return record;
}

function takeDevices(
  type: InstanceType,
  occupation: { readonly heldDevices: ReadonlySet<string>; readonly devicesKnown: boolean },
): readonly string[] {
  if (type.gpus !== null && !occupation.devicesKnown) {
    throw full('The record of an instance cannot be read, so nobody knows which GPUs it holds. Terminate it first.');
  }
  const devices = freeDevices(type, occupation.heldDevices);
  if (devices === null) throw full(`Fewer than ${type.gpus?.count} ${type.gpus?.group.name} of this machine are free.`);
  return devices;
}

function stateOf(record: InstanceRecord): CloudInstance['state'] {
  if (record.terminating) return 'terminating';
  // An agent that died leaves a machine behind: containers live on, and it can be started again.
  return record.process === null ? 'starting' : 'running';
}

function tellOf(record: InstanceRecord, state: CloudInstance['state']): CloudInstance {
  return {
    cloudId: ID_PREFIX + record.token,
    token: record.token,
    name: record.name ?? ID_PREFIX + record.token,
    region: REGION,
    zone: null,
    state,
    address: { kind: 'unix', path: record.socketPath },
    internalIp: record.internalIp,
    resources: record.resources,
    gpuDevices: record.gpuDevices,
  };
}

function tellOfUnreadable({ token }: UnreadableRecord): CloudInstance {
  const name = ID_PREFIX + token;
  return { cloudId: name, token, name, region: REGION, zone: null, state: 'running', address: null, internalIp: null };
}

function unreadable(record: UnreadableRecord): BackendError {
  const what = `The record of instance ${ID_PREFIX}${record.token} cannot be read`;
  return new BackendError('unknown', `${what}: ${record.problem}. Terminate it.`);
}

function full(message: string, scope: ErrorScope = 'type'): BackendError {
  return new BackendError('no-capacity', message, { scope, retryAfterMs: FULL_RETRY_MS });
}

function stopIfAborted(call: Call): void {
  if (call.signal.aborted) throw new BackendError('transient', 'The call was cancelled before anything was made.');
}

/** Waits for `work`, but no longer than `ms` nor beyond the signal; work goes on either way. */
async function unlessLate(work: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const enough = Promise.withResolvers<void>();
  const timer = setTimeout(enough.resolve, ms);
  const onAbort = (): void => enough.resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, enough.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
