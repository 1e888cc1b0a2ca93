import { z } from 'zod';
import { INSTANCE_TYPES, REGIONS } from './catalog.ts';

export const OPERATIONS = [
  'account',
  'regions',
  'instance-types',
  'launch',
  'list',
  'get',
  'terminate',
  'stop',
  'start',
  'tags',
] as const;
export type Operation = (typeof OPERATIONS)[number];

const ms = z.int().min(0).max(3_600_000);
const region = z.enum(REGIONS.map(({ name }) => name));
const instanceType = z.enum(INSTANCE_TYPES.map(({ name }) => name));

/** The calls that a fault hits: the next `times` of its operation. */
const hits = {
  operation: z.enum([...OPERATIONS, '*']).default('*'),
  times: z.int().min(1).max(1_000_000).default(1),
};

const callFaultSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('reset'), ...hits }),
  z.strictObject({ kind: z.literal('drop-answer'), ...hits }),
  z.strictObject({
    kind: z.literal('error'),
    status: z.int().min(500).max(504).default(500),
    after: z.boolean().default(false),
    ...hits,
  }),
  z.strictObject({ kind: z.literal('rate-limit'), retry_after_s: z.int().min(0).max(3_600).default(1), ...hits }),
  z.strictObject({ kind: z.literal('hang'), ...hits }),
  z.strictObject({ kind: z.literal('slow'), delay_ms: ms, ...hits }),
  z.strictObject({ kind: z.literal('garbage'), ...hits }),
  z.strictObject({ kind: z.literal('ignore'), ...hits }),
  z.strictObject({ kind: z.literal('stale'), age_ms: ms, ...hits }),
  z.strictObject({ kind: z.literal('never-boots'), ...hits }),
  z.strictObject({ kind: z.literal('boot-fails'), ...hits }),
]);

const changeSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('stock'),
    region,
    instance_type: instanceType,
    spot: z.boolean().optional(),
    left: z.int().min(0).nullable(),
  }),
  z.strictObject({ kind: z.literal('quota'), region: region.optional(), vcpus: z.int().min(0) }),
  z.strictObject({
    kind: z.literal('price'),
    instance_type: instanceType,
    on_demand_cents: z.number().min(0),
    spot_cents: z.number().min(0).nullable(),
  }),
  z.strictObject({ kind: z.literal('list-lag'), ms }),
  z.strictObject({ kind: z.literal('times'), boot_ms: ms.optional(), stop_ms: ms.optional() }),
  z.strictObject({ kind: z.literal('revoke-keys'), for_ms: ms, key_id: z.string().optional() }),
  z.strictObject({
    kind: z.literal('kill'),
    instance_id: z.string(),
    reason: z.enum(['spot-reclaimed', 'host-failure']).default('spot-reclaimed'),
  }),
]);

export const faultSchema = z.union([callFaultSchema, changeSchema]);
/** As it is ordered: see API.md. */
export type FaultOrder = z.input<typeof faultSchema>;
export type CallFault = z.output<typeof callFaultSchema>;
export type WorldChange = z.output<typeof changeSchema>;

export function isCallFault(fault: CallFault | WorldChange): fault is CallFault {
  return 'times' in fault;
}

/** A fault makes sense for these operations; of others it is not used up. */
const ONLY_FOR: Partial<Record<CallFault['kind'], readonly Operation[]>> = {
  ignore: ['terminate', 'stop', 'start'],
  stale: ['list', 'get'],
  'never-boots': ['launch', 'start'],
  'boot-fails': ['launch'],
};

/** The faults that wait for a call, and a count of the calls. In memory: a new process behaves. */
export class ArmedFaults {
  readonly #armed: { readonly id: number; readonly fault: CallFault; left: number }[] = [];
  readonly #calls = new Map<Operation, number>();
  #lastId = 0;

  arm(fault: CallFault): string {
    this.#lastId += 1;
    this.#armed.push({ id: this.#lastId, fault, left: fault.times });
    return `fault-${this.#lastId}`;
  }

  /** Counts a call. */
  arrived(operation: Operation): void {
    this.#calls.set(operation, (this.#calls.get(operation) ?? 0) + 1);
  }

  /** The fault that hits this call; the first one armed. */
  take(operation: Operation): CallFault | undefined {
    const hit = this.#armed.find(
      ({ fault }) =>
        (fault.operation === '*' || fault.operation === operation) &&
        (ONLY_FOR[fault.kind]?.includes(operation) ?? true),
    );
    if (hit === undefined) return undefined;
    hit.left -= 1;
    if (hit.left === 0) this.#armed.splice(this.#armed.indexOf(hit), 1);
    return hit.fault;
  }

  disarm(): void {
    this.#armed.length = 0;
  }

  toJson(): FaultReport {
    return {
      armed: this.#armed.map(({ id, fault, left }) => ({ id: `fault-${id}`, fault, left })),
      calls: Object.fromEntries(this.#calls),
    };
  }
}

export interface FaultReport {
  readonly armed: readonly { readonly id: string; readonly fault: CallFault; readonly left: number }[];
  readonly calls: Readonly<Partial<Record<Operation, number>>>;
}
