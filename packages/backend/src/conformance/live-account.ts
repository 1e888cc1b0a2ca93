/** A real account that is checked: what may be spent on it, and what was made there. */
import type { Offer } from '@berth/core';
import type { BackendEntry } from '../backend-entry.ts';
import type { Journal } from './journal.ts';
import type { Purse } from './purse.ts';

export interface LiveAccount {
  readonly entry: BackendEntry;
  /** From the catalog of this machine; null: the backend is asked. */
  readonly offers: readonly Offer[] | null;
  /** The kit's own, so that one `list` finds everything that any check of this machine ever made. */
  readonly installation: string;
  readonly purse: Purse;
  readonly journal: Journal;
}
