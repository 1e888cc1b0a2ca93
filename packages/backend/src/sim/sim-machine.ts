import type { CapacityType, Offer } from '@berth/core';
import type { AgentStart, CloudInstanceState, PortRange } from '../contract.ts';

/** A machine, as its cloud knows it. Times are the cloud's own. */
export interface SimMachine {
  readonly cloudId: string;
  /** Ascending in the order of making. */
  readonly serial: number;
  readonly account: string;
  /** What the API was given to know a repeated request by; null: nothing. */
  readonly clientToken: string | null;
  name: string;
  tags: Readonly<Record<string, string>>;
  readonly instanceType: string;
  readonly region: string;
  readonly zone: string | null;
  readonly capacityType: CapacityType;
  readonly pricePerHour: number;
  readonly offer: Offer;
  readonly agentStart: AgentStart | null;
  readonly placementGroup: string | null;
  readonly reservation: string | null;
  /** A gateway is a small machine that jobs are never put on. */
  readonly isGateway: boolean;
  internalIp: string;
  publicIp: string;
  readonly madeAt: number;
  readonly addressAt: number;
  /** Requests to end or change it, until this time, do not know it. */
  visibleAt: number;
  /** Null: it is billed. */
  goneAt: number | null;
  /** Asked to go. */
  going: boolean;
  ports: PortRange[];
  /** Each state with the time from which it was in it, the first one first. */
  readonly history: { readonly at: number; readonly state: CloudInstanceState }[];
}

/** How the machine was then; null: it was not there yet. */
export function stateAt(machine: SimMachine, at: number): CloudInstanceState | null {
  for (let i = machine.history.length - 1; i >= 0; i--) {
    const entry = machine.history[i];
    if (entry !== undefined && entry.at <= at) return entry.state;
  }
  return null;
}

export function isBilled(machine: SimMachine): boolean {
  return machine.goneAt === null;
}
