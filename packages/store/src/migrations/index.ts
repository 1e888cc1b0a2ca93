/**
 * How every released schema becomes today's. A migration that was released is never changed; a new
 * one gets the next number, its own file and a line here, and `tables.ts` says what it leads to.
 */
import { initial } from './0001-initial.ts';
import { safeMachines } from './0002-safe-machines.ts';

export interface Migration {
  /** From 1, without gaps. */
  readonly number: number;
  readonly name: string;
  /** Carried out in one transaction, as is that of Postgres. */
  readonly sqlite: readonly string[];
  /** Nothing up to number 1; the whole schema at once in number 2, with which Postgres begins. */
  readonly postgres: readonly string[];
}

export const MIGRATIONS: readonly Migration[] = [initial, safeMachines];
