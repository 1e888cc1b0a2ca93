/** What this server alone remembers of clouds. Everything that must outlive it is in the store. */
import { Bootstraps } from './bootstraps.ts';
import { Breakers } from './breaker.ts';
import type { EnginePorts } from './ports.ts';
import { SharedLists } from './shared-lists.ts';
import { Sweeps } from './sweeps.ts';

export interface CloudMemory {
  readonly sweeps: Sweeps;
  readonly breakers: Breakers;
  readonly bootstraps: Bootstraps;
  readonly lists: SharedLists;
}

export function cloudMemory(ports: EnginePorts): CloudMemory {
  return {
    sweeps: new Sweeps(ports),
    breakers: new Breakers(),
    bootstraps: new Bootstraps(ports),
    lists: new SharedLists(ports.clock, ports.log),
  };
}
