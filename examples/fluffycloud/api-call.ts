import type { Operation } from './fault.ts';
import type { Key } from './keys.ts';

/** How a fault bends what an operation does. */
export interface Bend {
  /** Say yes, do nothing. */
  readonly ignore: boolean;
  /** Show what was then; milliseconds since 1970. */
  readonly asOf: number | null;
  readonly bootFault: 'never-boots' | 'boot-fails' | null;
}

export interface ApiCall {
  /** What the path says where the route has `:id`. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly key: Key;
  readonly bend: Bend;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface Route {
  readonly method: string;
  /** `:id` stands for one part. */
  readonly path: string;
  readonly operation: Operation;
  /** Not for read-only keys. */
  readonly changes: boolean;
  readonly handle: (call: ApiCall) => Answer;
}
