import type { CatalogOffer } from '../catalog-offer.ts';
import type { NormalizeOptions } from '../normalize.ts';
import type { CsvLimits } from './csv.ts';

export interface ImportOptions {
  /** Type of the backend that the file is about. */
  readonly backend: string;
  /** Who says so; `backend` when absent. */
  readonly source?: string;
  /** Milliseconds since 1970. */
  readonly collectedAt: number;
  readonly onOffer: (offer: CatalogOffer) => void;
  readonly limits?: CsvLimits;
  readonly signal?: AbortSignal;
}

export function normalizeOptions({ backend, source, collectedAt }: ImportOptions): NormalizeOptions {
  return { backend, source: source ?? backend, collectedAt };
}

/** The options that reading the table takes, without keys that are not set. */
export function readOptions({ limits, signal }: ImportOptions): Pick<ImportOptions, 'limits' | 'signal'> {
  return { ...(limits === undefined ? {} : { limits }), ...(signal === undefined ? {} : { signal }) };
}
