/** Stands between a store's tables and whoever uses them. */
import type { TableName } from '@berth/store';

export interface TableCall {
  readonly table: TableName;
  readonly method: (typeof METHODS)[number];
  readonly args: readonly unknown[];
}

const METHODS = ['get', 'find', 'first', 'count', 'insert', 'update', 'delete'] as const;

type AnyTable = Record<string, (...args: readonly unknown[]) => Promise<unknown>>;

/** `around` sees every call to one of the tables and decides what becomes of it. */
export function tapTables<T extends object>(
  tables: T,
  around: (call: TableCall, proceed: () => Promise<unknown>) => Promise<unknown>,
): T {
  const tapped = new Map<string | symbol, AnyTable>();
  // Only what is asked for is tapped: a transaction looks at a few of twenty tables.
  return new Proxy(tables, {
    get: (target, name) => {
      let table = tapped.get(name);
      if (table === undefined) {
        // The tables have these methods only, and those for reading have fewer.
        const bare = Reflect.get(target, name) as AnyTable;
        table = {};
        for (const method of METHODS) {
          table[method] = (...args) =>
            around({ table: name as TableName, method, args }, () => bare[method]?.(...args) ?? Promise.reject(misuse));
        }
        tapped.set(name, table);
      }
      return table;
    },
  });
}

const misuse = new Error('This table can only be read.');

export function isWrite(call: TableCall): boolean {
  return call.method === 'insert' || call.method === 'update' || call.method === 'delete';
}
