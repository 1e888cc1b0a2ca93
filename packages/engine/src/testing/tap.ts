/** Stands between a store's tables and whoever uses them. */
import type { TableName } from '@berth/store';

export interface TableCall {
  readonly table: TableName;
  readonly method: 'get' | 'find' | 'first' | 'count' | 'insert' | 'update' | 'delete';
  readonly args: readonly unknown[];
}

/** `around` sees every call to one of the tables and decides what becomes of it. */
export function tapTables<T extends object>(
  tables: T,
  around: (call: TableCall, proceed: () => Promise<unknown>) => Promise<unknown>,
): T {
  const tapped: Record<string, unknown> = {};
  for (const [name, table] of Object.entries(tables)) {
    tapped[name] = new Proxy(table as object, {
      get: (target, property) => {
        const method: unknown = Reflect.get(target, property);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => {
          // The tables have these methods only.
          const call = { table: name, method: property, args } as TableCall;
          return around(call, () => method.apply(target, args) as Promise<unknown>);
        };
      },
    });
  }
  // The same tables with the same methods, behind the tap.
  return tapped as T;
}

export function isWrite(call: TableCall): boolean {
  return call.method === 'insert' || call.method === 'update' || call.method === 'delete';
}
