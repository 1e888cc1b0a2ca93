/** What any store must do. A store's own test calls this; what survives a crash it proves itself. */
import { describe } from 'node:test';
import type { Store } from '../store.ts';
import { announcementClaims } from './suite-announcements.ts';
import { commitClaims } from './suite-commits.ts';
import { queryClaims } from './suite-queries.ts';
import { rowClaims } from './suite-rows.ts';
import { transactionClaims } from './suite-transactions.ts';

/** Opens a store without a row in it. */
export type OpenStore = () => Promise<Store>;

/** Registers the suite with node:test. Every test opens a store of its own and closes it. */
export function storeSuite(name: string, open: OpenStore): void {
  const run: WithStore = async (claim) => {
    const store = await open();
    try {
      await claim(store);
    } finally {
      await store.close();
    }
  };
  describe(name, () => {
    rowClaims(run);
    queryClaims(run);
    transactionClaims(run);
    commitClaims(run);
    announcementClaims(run);
  });
}

export type WithStore = (claim: (store: Store) => Promise<void>) => Promise<void>;
