import type { BackendContext } from '@berth/backend';
import type { DetectHost, Host } from './detect/host.ts';
import { InstanceRecords } from './instance-records.ts';
import { heldDevices } from './instance-types.ts';
import { KeyedLock } from './keyed-lock.ts';
import type { LocalConfig } from './local-config.ts';
import type { Occupation } from './local-offers.ts';

export type LocalContext = BackendContext<LocalConfig, Readonly<Record<string, never>>>;

/** Devices come and go with drivers, not by the second; and asking a driver costs up to some seconds. */
const HOST_CACHE_MS = 60_000;

/** What one state directory stands for. Two configurations of one backend (before and after an edit) share it. */
export interface LocalMachine {
  readonly records: InstanceRecords;
  /** By token: what happens to one instance happens one after the other. */
  readonly lock: KeyedLock;
  /** Machines that are being brought to their end now, by token. */
  readonly ending: Map<string, Promise<void>>;
  host(context: LocalContext): Promise<Host>;
}

const machines = new Map<string, LocalMachine>();

export function localMachine(stateDir: string, detect: DetectHost): LocalMachine {
  const known = machines.get(stateDir);
  if (known !== undefined) return known;
  const machine: LocalMachine = {
    records: new InstanceRecords(stateDir),
    lock: new KeyedLock(),
    ending: new Map(),
    host: cachedHost(stateDir, detect),
  };
  machines.set(stateDir, machine);
  return machine;
}

/**
 * What is taken now. Places are counted for each backend, as its configuration says; devices and
 * addresses are the machine's, so what the backends of other projects hold is not free either.
 */
export async function occupationOf(machine: LocalMachine): Promise<Occupation> {
  const own = await machine.records.readAll();
  const others = await Promise.all(
    [...machines.values()].filter((other) => other !== machine).map((other) => other.records.readAll()),
  );
  const records = [own, ...others].flatMap((some) => some.records);
  return {
    instances: own.records.length + own.unreadable.length,
    heldDevices: heldDevices(records),
    devicesKnown: [own, ...others].every((some) => some.unreadable.length === 0),
    addresses: new Set(records.map((record) => record.internalIp)),
  };
}

/** Who takes a device or an address must be alone from looking what is free to writing down what is taken. */
export function whileAllocating<T>(work: () => Promise<T>): Promise<T> {
  return allocation.run('', work);
}

const allocation = new KeyedLock();

function cachedHost(stateDir: string, detect: DetectHost): LocalMachine['host'] {
  let cached: { readonly at: number; readonly host: Promise<Host> } | null = null;
  let told = '';
  return (context) => {
    const now = context.clock.now();
    const age = cached === null ? Number.POSITIVE_INFINITY : now - cached.at;
    if (cached !== null && age >= 0 && age < HOST_CACHE_MS) return cached.host;
    // Nobody's own signal: the answer is for everybody, and the detection has its deadline.
    const host = detect(stateDir, new AbortController().signal);
    const mine = { at: now, host };
    cached = mine;
    host.then(
      ({ notes }) => {
        // Once per change, and not once a minute for years.
        const text = notes.join('\n');
        if (text !== told) for (const note of notes) context.log.warn(note);
        told = text;
      },
      () => {
        if (cached === mine) cached = null;
      },
    );
    return host;
  };
}
