/**
 * What a backend's folder ships so that `berth backend check` can run without an account: the module that
 * `"berth": { "conformance": "./src/conformance.ts" }` names, with `defineConformance({ start })` as its
 * default export. Only `entry`, `machines` and `close` are required. Whatever else a fake lacks makes the
 * checks that need it `skipped` with the reason, never passed.
 */
import type { CapacityType, Clock, CpuArch, Offer } from '@berth/core';
import type { BackendEntry } from '../backend-entry.ts';
import type { CloudInstanceState } from '../contract.ts';

export interface FakeOptions {
  /** An empty folder for this fake alone; the kit removes it. */
  readonly dir: string;
  /** What the backend will have as `context.stateDir`: for clouds that are this machine. */
  readonly stateDir: string;
  /**
   * Puts the kit's fault proxy in front of an HTTP server on loopback: give it the fake's address, and point
   * the backend at what it returns. With it come, for free, every fault of `CallFault` and a record of requests.
   */
  front(url: string): Promise<string>;
}

/** Whose credentials: they work; were never right; have run out; may look and not change. */
export const FAKE_ACCOUNTS = ['good', 'wrong', 'expired', 'read-only'] as const;
export type FakeAccount = (typeof FAKE_ACCOUNTS)[number];

/** A machine as the cloud's own books have it, whatever its API says at the moment. */
export interface FakeMachine {
  readonly cloudId: string;
  readonly name: string;
  /** Empty where the cloud has no tags. */
  readonly tags: Readonly<Record<string, string>>;
  readonly state: CloudInstanceState;
  /** Whether it costs anything now, be it only its disk. */
  readonly billed: boolean;
  readonly instanceType: string;
  readonly region: string;
  readonly zone: string | null;
  /** Absent: the cloud sells one only. */
  readonly capacityType?: CapacityType;
}

/** What happens to the calls that follow; each is undone by `reset`. */
export type Situation =
  /** The offer is out of stock. */
  | { readonly kind: 'no-capacity'; readonly offer: Offer }
  /** The account may have no (more) machines. */
  | { readonly kind: 'quota' }
  /** New machines are listed only after this time. */
  | { readonly kind: 'list-late'; readonly ms: number }
  /** Terminating is accepted, and nothing happens. */
  | { readonly kind: 'delete-ignored' }
  /** Terminating takes so long; meanwhile the machine is billed. */
  | { readonly kind: 'slow-terminate'; readonly ms: number }
  /** New machines take so long until they run. */
  | { readonly kind: 'slow-boot'; readonly ms: number }
  /** The machine is taken back, or its host dies, now. */
  | { readonly kind: 'kill'; readonly cloudId: string }
  | { readonly kind: 'price'; readonly offer: Offer; readonly pricePerHour: number }
  /** The good account's credentials stop working. */
  | { readonly kind: 'credentials-lost' }
  /** Only so many machines of a group can be had. */
  | { readonly kind: 'group-partial'; readonly machines: number };

/** What happens to the next call of an operation, once. */
export type CallFault =
  /** The connection is cut before anything was done. */
  | { readonly kind: 'reset' }
  /** It is done; the answer is lost. */
  | { readonly kind: 'lost-answer' }
  /** Nothing is done, and no answer comes. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'rate-limited'; readonly retryAfterMs: number }
  /** Refused before it was begun (503). */
  | { readonly kind: 'unavailable' }
  /** Refused with 500, and nothing was done. */
  | { readonly kind: 'server-error' }
  | { readonly kind: 'slow'; readonly ms: number }
  /** The request arrives twice. */
  | { readonly kind: 'duplicate' }
  /** It is done, and the answer breaks off in the middle. */
  | { readonly kind: 'truncated' }
  /** An answer that nobody understands; whether it was done is open. */
  | { readonly kind: 'garbage' };

/** A call of the contract: `create`, `list`, `terminate`, `configure`, or a facet's: `suspend.stop`. */
export type Operation = string;

/** What reached a machine of what starts the agent; members that the cloud does not have are absent. */
export interface Started {
  readonly userData?: string | null;
  readonly authorizedKeys?: readonly string[];
  readonly image?: string;
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: string;
  readonly registry?: { readonly username: string; readonly password: string } | null;
  /** Only of those that really run: it logged in, or saw the process. */
  readonly reached?: boolean;
}

export interface Fake {
  /** What a person would write down for this account; null: the fake cannot tell it from a good one. */
  entry(account: FakeAccount): BackendEntry | null;
  /** The truth: everything that exists or is billed, neighbours included. */
  machines(): Promise<readonly FakeMachine[]>;
  close(): Promise<void>;

  /** What the cloud sells, for backends with a price list that the fake does not serve. */
  offers?(): Promise<readonly Offer[]>;
  /** Makes a machine past the backend, with this name and these tags. Returns its cloud id. */
  plant?(neighbour: { readonly name: string; readonly tags: Readonly<Record<string, string>> }): Promise<string>;
  /** False: this fake does not know the situation. */
  situation?(what: Situation): Promise<boolean>;
  /** For fakes without HTTP; the others have `front`. False: it does not know it. */
  fault?(operation: Operation, fault: CallFault): Promise<boolean>;
  /** Ends every situation and disarms every fault; machines stay. */
  reset?(): Promise<void>;
  /**
   * Whether a request to the cloud is the one that changes something: that makes, ends, stops … a machine.
   * Absent: every request but GET and HEAD.
   */
  changes?(request: { readonly method: string; readonly path: string; readonly body: string }): boolean;
  /** What reached the machine; null: nothing yet. */
  started?(cloudId: string): Promise<Started | null>;
  /** Where the kit's `http` goes instead of an origin that the backend has built in: `front`'s address by origin. */
  readonly origins?: Readonly<Record<string, string>>;
  /** Lets time go by, in ms, where the fake has a clock of its own; absent: the kit waits. */
  pass?(ms: number): Promise<void>;
  readonly clock?: Clock;
  /** Most machines that one page of its list holds; the kit makes more than that. Absent: there are no pages. */
  readonly pageSize?: number;

  readonly ports?: { isOpen(cloudId: string, port: number): Promise<boolean> };
  readonly volumes?: {
    /** A volume that somebody else made. */
    plant(region: string, sizeMiB: number): Promise<string>;
    /** Ids of all that exist. */
    all(): Promise<readonly string[]>;
  };
  readonly reservations?: { plant(offer: Offer, machines: number): Promise<string> };
  readonly images?: { find(cloudId: string, region: string): Promise<{ readonly cpuArch: CpuArch } | null> };
  /** Ids of networks, keys and roles that exist. */
  readonly shared?: { all(): Promise<readonly string[]> };
}

export interface Conformance {
  /** Starts a fake with nothing in it but what a new account has. */
  start(options: FakeOptions): Promise<Fake>;
}

/** The default export of a backend's conformance module. */
export function defineConformance(conformance: Conformance): Conformance {
  if (typeof conformance.start !== 'function') throw new TypeError('A conformance module needs `start`.');
  return Object.freeze(conformance);
}
