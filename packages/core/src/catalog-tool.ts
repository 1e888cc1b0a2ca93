/**
 * What the command line has done with the catalog of this machine, without a server. The tool lies in a
 * bundle of its own, which the command line loads by its path; only plain data passes between them.
 */
import type {
  CatalogHistoryView,
  CatalogOffersView,
  CatalogQueryInput,
  CatalogSourceView,
  CatalogStatusView,
} from './api-catalog.ts';
import type { HISTORY_CAPACITY_TYPES } from './offer.ts';
import type { ToolOptions } from './tool-options.ts';

export const CATALOG_FORMATS = ['gpuhunt', 'skypilot', 'csv'] as const;
export type CatalogFormat = (typeof CATALOG_FORMATS)[number];

export type CatalogToolOptions = ToolOptions;

/** What the module of the tool exports. */
export interface CatalogToolModule {
  openCatalogTool(options: CatalogToolOptions): Promise<CatalogTool>;
}

export interface CollectToolOptions {
  /** A person says that a list whose prices all moved alike is right. */
  readonly acceptMovedList?: boolean;
}

export interface CatalogTool {
  /** Types of the installed backends that have a price list, by name. */
  sources(): Promise<readonly CatalogSourceInfo[]>;
  /**
   * Collects each; a source that fails keeps what it had, and costs the others nothing.
   * @throws BerthError `not-found` for one that is not installed
   */
  collect(names: readonly string[], options?: CollectToolOptions): Promise<readonly CollectedReport[]>;
  /** Names of collected sources, or none for all; or files of the forms that `import` reads. */
  check(names: readonly string[]): Promise<readonly CheckReport[]>;
  /** From one to another: what was pulled, what was collected, a published directory or a file. */
  diff(before: string, after: string): Promise<DiffReport>;
  publish(to: string, options: PublishToolOptions): Promise<PublishToolReport>;
  /** From where it is said, or from where the server's config.yml says. */
  pull(from: string | null, options: PullToolOptions): Promise<readonly PullToolReport[]>;
  status(): Promise<CatalogStatusView>;
  query(query: CatalogQueryInput): Promise<CatalogOffersView>;
  import(file: string, options: ImportToolOptions): Promise<CollectedReport>;
  /**
   * Takes out what was collected or imported under these names.
   * @throws BerthError `not-found` for another name; then nothing is removed
   */
  remove(names: readonly string[]): Promise<readonly string[]>;
  /** Every row of the catalog in memory that passes. Resolves with the number of rows. */
  export(file: string, options: ExportToolOptions): Promise<number>;
  history(gpu: string, options: HistoryToolOptions): Promise<CatalogHistoryView>;
  /** A history with at least one price, as a chart for the terminal: lines without an end. */
  drawHistory(history: CatalogHistoryView, options: HistoryChartOptions): string;
  keygen(file: string): Promise<{ readonly file: string; readonly publicKey: string; readonly keyId: string }>;
}

export interface CatalogSourceInfo {
  readonly name: string;
  readonly title: string;
  readonly kind: 'offline' | 'online';
  readonly credentials: 'none' | 'optional' | 'required';
}

export interface Complaint {
  readonly rule: string;
  readonly message: string;
  /** How many rows; null: it concerns the source as a whole. */
  readonly rows: number | null;
}

export interface CheckReport {
  readonly source: string;
  readonly ok: boolean;
  readonly offers: number;
  readonly quarantined: number;
  /** Those that reject the source first. */
  readonly complaints: readonly Complaint[];
  readonly unmapped: readonly { readonly label: string; readonly offers: number }[];
}

export interface CollectedReport extends CheckReport {
  /** What was left out while it was collected, and why. */
  readonly skipped: readonly { readonly what: string; readonly reason: string; readonly times: number }[];
  readonly ms: number;
}

export interface DiffReport {
  readonly sources: readonly {
    readonly source: string;
    readonly before: number;
    readonly after: number;
    readonly added: number;
    readonly removed: number;
    readonly dearer: number;
    readonly cheaper: number;
  }[];
  /** The greatest changes of price first; at most a hundred. */
  readonly changes: readonly {
    readonly id: string;
    readonly before: number | null;
    readonly after: number | null;
  }[];
}

export interface PublishToolOptions {
  /** File with the private key; null: `BERTH_CATALOG_KEY` of the environment, else unsigned. */
  readonly key: string | null;
  /** Empty: all that were collected. */
  readonly sources: readonly string[];
}

export interface PublishToolReport {
  readonly version: number;
  readonly published: readonly string[];
  readonly failed: readonly { readonly source: string; readonly reason: string }[];
  readonly signed: boolean;
}

export interface PullToolOptions {
  readonly publicKey: string | null;
}

export interface PullToolReport {
  readonly from: string;
  readonly state: 'updated' | 'unchanged' | 'failed';
  readonly version: number | null;
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  readonly problems: readonly { readonly source: string | null; readonly reason: string }[];
}

export interface ImportToolOptions {
  readonly format: CatalogFormat;
  /** Whose offers these are; null: the file's name without its ending. */
  readonly backend: string | null;
}

export interface ExportToolOptions {
  readonly format: CatalogFormat;
  readonly query: CatalogQueryInput;
}

export interface HistoryChartOptions {
  /** In columns and lines; the legend comes on top of the height. */
  readonly width: number;
  readonly height: number;
  /** Where the chart ends, in milliseconds since 1970. */
  readonly until: number;
}

export interface HistoryToolOptions {
  readonly capacityType: (typeof HISTORY_CAPACITY_TYPES)[number] | null;
  /** Milliseconds since 1970; null: from the beginning. */
  readonly since: number | null;
}

export type { CatalogSourceView };
