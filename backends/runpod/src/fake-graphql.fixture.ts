/** As much of RunPod's GraphQL API as the collector asks for: fields under aliases, with their inputs. */
import type { Answer, ReplayRequest } from '@berth/http/testing/replay-server';

export interface Stock {
  readonly stockStatus: string | null;
  readonly minVcpu?: number | null;
  readonly minMemory?: number | null;
  readonly securePrice?: number | null;
}

export interface FakeCloud {
  readonly countryCodes: readonly (string | null)[];
  readonly dataCenters: readonly { readonly id: string; readonly listed: boolean }[];
  readonly gpuTypes: readonly Readonly<Record<string, unknown> & { id: string }>[];
  readonly clusters?: readonly Readonly<Record<string, unknown>>[];
  readonly cpuFlavors?: readonly Readonly<Record<string, unknown> & { id: string }>[];
  /** What a type or flavour has under one input; null: nothing is said. */
  readonly stock: (id: string, input: Readonly<Record<string, unknown>>) => Stock | null;
  /** A reason why the API refuses all of a request that asks this. */
  readonly refuses?: (input: Readonly<Record<string, unknown>>) => string | null;
}

const NO_STOCK = { stockStatus: null, minVcpu: null, minMemory: null, securePrice: null };
const FIELD = /(\w+): (?:lowestPrice|specifics)\(input: \{([^}]*)\}\)/g;

/** `gpuCount: 2, dataCenterId: "EU-RO-1"` as an object. */
function inputOf(text: string): Readonly<Record<string, unknown>> {
  return JSON.parse(`{${text.replace(/(\w+):/g, '"$1":')}}`) as Readonly<Record<string, unknown>>;
}

export function lookupsIn(request: ReplayRequest): readonly (readonly [string, Readonly<Record<string, unknown>>])[] {
  const { query } = JSON.parse(request.body) as { query: string };
  return [...query.matchAll(FIELD)].map(([, alias = '', input = '']) => [alias, inputOf(input)]);
}

export function fakeGraphql(cloud: FakeCloud): Answer {
  return (request) => {
    const { query } = JSON.parse(request.body) as { query: string };
    if (query.includes('countryCodes')) {
      const { countryCodes, dataCenters, gpuTypes, cpuFlavors = [] } = cloud;
      return { json: { data: { countryCodes, dataCenters, gpuTypes, cpuFlavors } } };
    }
    if (query.includes('cluster: true')) return { json: { data: { gpuTypes: cloud.clusters ?? [] } } };
    const lookups = lookupsIn(request);
    for (const [, input] of lookups) {
      const message = cloud.refuses?.(input) ?? null;
      if (message !== null) return { json: { errors: [{ message }], data: null } };
    }
    const list = query.includes('rows: cpuFlavors') ? (cloud.cpuFlavors ?? []) : cloud.gpuTypes;
    const rows = list.map(({ id }) => ({
      id,
      ...Object.fromEntries(lookups.map(([alias, input]) => [alias, cloud.stock(id, input) ?? NO_STOCK])),
    }));
    return { json: { data: { rows } } };
  };
}
