import type { BackendEntry } from '@berth/backend';
import { MAX_BLOB_BYTES } from '@berth/core/api-routes';
import type { Problem } from '@berth/core/problems';
import type { TextPosition } from '@berth/core/text-position';
import type { SealingKey } from '../crypto/sealer.ts';

/** The server's own configuration: which projects there are, and what each may use. */
export interface ServerConfig {
  /** Null: there is no file. The first project then has this machine, and nobody else has anything. */
  readonly projects: readonly ConfiguredProject[] | null;
  /** Keys besides those of the key file. The first of them seals. */
  readonly keys: readonly SealingKey[];
  readonly limits: ServerLimits;
  readonly catalog: CatalogConfig;
}

export interface ConfiguredProject {
  readonly name: string;
  readonly backends: readonly ConfiguredEntry[];
}

export interface ConfiguredEntry extends BackendEntry {
  /** Null: it stands in no file; a server without one has it. */
  readonly place: EntryPlace | null;
  /** What of its credentials could not be read from a variable or a file; then it cannot be used. */
  readonly faults: readonly Problem[];
}

/** Where an entry stands in config.yml, for messages. */
export interface EntryPlace {
  readonly line: number;
  /** Of a problem whose path begins with `config` or `credentials`, as those of `EntryError` do. */
  positionOf(problem: Problem): TextPosition;
}

export interface ServerLimits {
  readonly maxBlobBytes: number;
  /** Events are deleted after this time; null: never. */
  readonly eventRetentionMs: number | null;
}

/** Where prices come from, and how often. */
export interface CatalogConfig {
  /** Published catalogs, each under its base URL; empty: what is here stays as it is. */
  readonly urls: readonly string[];
  /** Ed25519, as `berth catalog keygen` prints it; null: the key that this version of Berth knows. */
  readonly publicKey: string | null;
  /** Null: never by itself. */
  readonly refreshMs: number | null;
  /** Types of backends whose price lists this server collects itself. */
  readonly collect: readonly string[];
  /** Whether marketplaces, whose offers change by the minute, are asked when somebody wants to know. */
  readonly online: boolean;
}

const DAY_MS = 24 * 60 * 60_000;
const DEFAULT_LIMITS: ServerLimits = { maxBlobBytes: MAX_BLOB_BYTES, eventRetentionMs: 30 * DAY_MS };

const DEFAULT_CATALOG: CatalogConfig = { urls: [], publicKey: null, refreshMs: 60 * 60_000, collect: [], online: true };

/** What the first project has while there is no file. */
export const LOCAL_ENTRY: ConfiguredEntry = {
  name: 'local',
  type: 'local',
  config: {},
  credentials: { kind: 'default', value: null },
  place: null,
  faults: [],
};

export const NO_FILE: ServerConfig = { projects: null, keys: [], limits: DEFAULT_LIMITS, catalog: DEFAULT_CATALOG };
