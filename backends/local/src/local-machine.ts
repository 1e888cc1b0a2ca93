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
  /** Guards: `instance:<token>` for what happens to one machine, `allocation` for what all of them share. */
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

/** What is taken of the machine now. */
export async function occupationOf(records: InstanceRecords): Promise<Occupation> {
  const all = await records.readAll();
  return {
    instances: all.records.length + all.unreadable.length,
    heldDevices: heldDevices(all.records),
    devicesKnown: all.unreadable.length === 0,
  };
}

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
