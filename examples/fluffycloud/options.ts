export const MACHINE_KINDS = ['docker', 'process', 'paper'] as const;
export type MachineKind = (typeof MACHINE_KINDS)[number];

/** Times in milliseconds. */
export interface CloudOptions {
  readonly machines: MachineKind;
  /** Everything that the cloud knows is in here; made when it is missing. */
  readonly dataDir: string;
  /** 0: any free one. */
  readonly port: number;
  /** A machine is `booting` at least so long. */
  readonly bootMs: number;
  /** And `stopping`, and `terminating`. */
  readonly stopMs: number;
  /** New instances are in lists only after so long. */
  readonly listLagMs: number;
  readonly terminatedListedMs: number;
  /** For so long the `client_token` of a terminated instance cannot be used again. */
  readonly tokenMemoryMs: number;
  readonly pageSize: number;
  /** Requests a second of one key; a burst is twice as many. */
  readonly rate: number;
  /** Per region. */
  readonly quotaVcpus: number;
  readonly maxMachines: number;
  /** Where the log goes, a line at a time. */
  readonly log: (line: string) => void;
}

export const DEFAULTS: Omit<CloudOptions, 'dataDir'> = {
  machines: 'process',
  port: 0,
  bootMs: 300,
  stopMs: 100,
  listLagMs: 300,
  terminatedListedMs: 60_000,
  tokenMemoryMs: 24 * 3_600_000,
  pageSize: 8,
  rate: 20,
  quotaVcpus: 64,
  maxMachines: 64,
  log: () => {},
};

/** Above this a page is never, whatever `limit` asks for. */
export const MAX_PAGE_SIZE = 20;
