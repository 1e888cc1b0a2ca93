/**
 * The calls that are needed, with the numbers of their fields.
 * Source: https://github.com/nebius/api (the `.proto` files that each call names) and its endpoints.md.
 */

import type { Secret } from '@berth/core/secret';
import { HttpError } from '@berth/http';
import type { Grpc } from './grpc.ts';
import { field, Message, message, ProtobufError } from './protobuf.ts';

const IAM = 'cpl.iam.api.nebius.cloud';
const COMPUTE = 'compute.api.nebius.cloud';
const CALCULATOR = 'api.calculator.billing-data-plane.api.nebius.cloud';

const PAGE_SIZE = 200;

export interface Project {
  readonly id: string;
  readonly region: string;
}

export interface Preset {
  readonly name: string;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly gpus: number;
  /** Its machines may be joined by InfiniBand. */
  readonly clustering: boolean;
}

export interface Platform {
  readonly name: string;
  readonly presets: readonly Preset[];
  /** Of one device, in GB as the vendor counts them; 0: none, or not told. */
  readonly gpuMemoryGb: number;
  readonly preemptible: boolean;
}

export class NebiusApi {
  readonly #grpc: Grpc;
  readonly #token: Secret<string>;

  constructor(grpc: Grpc, token: Secret<string>) {
    this.#grpc = grpc;
    this.#token = token;
  }

  /** nebius/iam/v1/tenant_service.proto */
  async tenants(signal: AbortSignal): Promise<readonly string[]> {
    const request = (page: string) => message(field(1, PAGE_SIZE), field(2, page));
    return await this.#list(IAM, 'nebius.iam.v1.TenantService/List', request, signal, (item, at) =>
      required(item.message(1).text(1), `${at}.metadata.id`),
    );
  }

  /** nebius/iam/v1/project_service.proto, container.proto */
  async projects(tenant: string, signal: AbortSignal): Promise<readonly Project[]> {
    const request = (page: string) => message(field(1, tenant), field(2, PAGE_SIZE), field(3, page));
    return await this.#list(IAM, 'nebius.iam.v1.ProjectService/List', request, signal, (item, at) => ({
      id: required(item.message(1).text(1), `${at}.metadata.id`),
      region: required(item.message(3).text(4) || item.message(2).text(1), `${at}.status.region`),
    }));
  }

  /** nebius/compute/v1/platform_service.proto, platform.proto */
  async platforms(project: string, signal: AbortSignal): Promise<readonly Platform[]> {
    const request = (page: string) => message(field(1, PAGE_SIZE), field(2, page), field(3, project));
    return await this.#list(COMPUTE, 'nebius.compute.v1.PlatformService/List', request, signal, (item, at) => {
      const spec = item.message(2);
      return {
        name: required(item.message(1).text(3), `${at}.metadata.name`),
        presets: spec.messages(1).map((preset, index) => presetOf(preset, `${at}.spec.presets.${index}`)),
        gpuMemoryGb: spec.number(12) || spec.number(11),
        preemptible: item.message(3).number(3) === 1,
      };
    });
  }

  /** US dollars per hour. nebius/billing/v1alpha1/calculator_service.proto, compute/v1/instance.proto */
  async hourlyCost(
    project: string,
    platform: string,
    preset: string,
    preemptible: boolean,
    signal: AbortSignal,
  ): Promise<number> {
    const resources = message(field(1, platform), field(2, preset));
    // The one policy there is (STOP), and a priority in the middle of 1 to 5.
    const preemption = message(field(1, 1), field(2, 3));
    const spec = message(field(2, resources), ...(preemptible ? [field(19, preemption)] : []));
    const create = message(field(1, message(field(2, project))), field(2, spec));
    const request = message(field(1, message(field(100, create))));
    const method = 'nebius.billing.v1alpha1.CalculatorService/Estimate';
    return await this.#call(CALCULATOR, method, request, signal, (answer) => {
      const cost = answer.message(10).message(10).message(1).text(2);
      const dollars = Number(required(cost, 'hourly_cost.general.total.cost'));
      if (!Number.isFinite(dollars)) throw new Misshapen('`hourly_cost.general.total.cost` is no number');
      return dollars;
    });
  }

  /** Every page to the end. Items are field 1 and the next page's token field 2, in all lists. */
  async #list<T>(
    host: string,
    method: string,
    request: (page: string) => Uint8Array,
    signal: AbortSignal,
    read: (item: Message, at: string) => T,
  ): Promise<readonly T[]> {
    const items: T[] = [];
    const seen = new Set<string>();
    let page = '';
    do {
      seen.add(page);
      page = await this.#call(host, method, request(page), signal, (answer) => {
        for (const item of answer.messages(1)) items.push(read(item, `items.${items.length}`));
        return answer.text(2);
      });
      if (page !== '' && seen.has(page)) throw misshapen(host, method, 'it gave the same page twice');
    } while (page !== '');
    return items;
  }

  async #call<T>(
    host: string,
    method: string,
    request: Uint8Array,
    signal: AbortSignal,
    read: (answer: Message) => T,
  ): Promise<T> {
    const answer = await this.#grpc.call({ host, method, request, token: this.#token.reveal() }, signal);
    try {
      return read(new Message(answer));
    } catch (error) {
      if (!(error instanceof ProtobufError || error instanceof Misshapen)) throw error;
      throw misshapen(host, method, error.message);
    }
  }
}

class Misshapen extends Error {}

/** Absent and empty are the same on the wire. */
function required(text: string, name: string): string {
  if (text === '') throw new Misshapen(`\`${name}\` is missing`);
  return text;
}

function presetOf(preset: Message, at: string): Preset {
  const resources = preset.message(2);
  const positive = (value: number, name: string): number => {
    if (value <= 0) throw new Misshapen(`\`${at}.resources.${name}\` is missing`);
    return value;
  };
  return {
    name: required(preset.text(1), `${at}.name`),
    cpus: positive(resources.number(1), 'vcpu_count'),
    memoryGiB: positive(resources.number(3), 'memory_gibibytes'),
    gpus: resources.number(4),
    clustering: preset.number(3) === 1,
  };
}

function misshapen(host: string, method: string, reason: string): HttpError {
  const message = `${host}/${method} answered in another shape than documented: ${reason}`;
  return new HttpError('unknown', message, { status: null, retryAfterMs: null });
}
