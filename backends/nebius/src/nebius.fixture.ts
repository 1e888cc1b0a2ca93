/** Nebius as its protos say: a gRPC server on loopback that plays a small account, and its bad days. */

import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Http2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { CollectedOffer } from '@berth/catalog/collected-offer';
import { createHttp } from '@berth/http';
import { type ReplayServer, replayServer } from '@berth/http/testing/replay-server';
import { collectNebius } from './collect.ts';
import { type NebiusCredentials, ServiceAccountSchema } from './credentials.ts';
import { createGrpc, type Grpc } from './grpc.ts';
import { field, Message, message } from './protobuf.ts';

export interface GrpcRequest {
  readonly method: string;
  readonly message: Message;
  readonly authorization: string;
  /** How many requests came to the same method before this one. */
  readonly before: number;
}

/** A message, a refusal by status, a refusal by HTTP, or a connection that ends or never answers. */
export type GrpcAnswer =
  | Uint8Array
  | { readonly status: number; readonly message?: string }
  | { readonly http: number }
  | { readonly body: string }
  | 'cut'
  | 'never';

export type Answers = Readonly<Record<string, (request: GrpcRequest) => GrpcAnswer>>;

export interface GrpcServer extends AsyncDisposable {
  readonly origin: string;
  readonly requests: readonly GrpcRequest[];
  /** The most calls that were under way at once. */
  readonly busiest: number;
}

export async function grpcServer(answers: Answers): Promise<GrpcServer> {
  const requests: GrpcRequest[] = [];
  const sessions = new Set<Http2Session>();
  let busy = 0;
  let busiest = 0;
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    busy += 1;
    busiest = Math.max(busiest, busy);
    stream.on('error', () => {});
    stream.on('close', () => {
      busy -= 1;
    });
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const method = String(headers[':path']).slice(1);
      const before = requests.filter((request) => request.method === method).length;
      const body = new Message(Buffer.concat(chunks).subarray(5));
      const request = { method, message: body, authorization: String(headers['authorization']), before };
      requests.push(request);
      // Later, so that calls overlap where the client lets them.
      setTimeout(() => send(stream, answers[method]?.(request) ?? { status: 12 }), 2);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // listens on TCP
    requests,
    get busiest() {
      return busiest;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

function send(stream: ServerHttp2Stream, answer: GrpcAnswer): void {
  if (answer === 'never' || stream.destroyed) return;
  if (answer === 'cut') return void stream.session?.destroy();
  if (!(answer instanceof Uint8Array) && 'http' in answer) {
    stream.respond({ ':status': answer.http });
    return void stream.end('<html>no</html>');
  }
  if (!(answer instanceof Uint8Array) && 'status' in answer) {
    const said = answer.message === undefined ? {} : { 'grpc-message': encodeURIComponent(answer.message) };
    return void stream.respond({ ':status': 200, 'grpc-status': String(answer.status), ...said }, { endStream: true });
  }
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  if (!(answer instanceof Uint8Array)) return void stream.end(answer.body);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(answer.length, 1);
  stream.end(Buffer.concat([head, answer]));
}

/** Waits between attempts take no time. */
export function grpcTo(server: GrpcServer, timeoutMs = 5000): Grpc {
  return createGrpc({ originOf: () => server.origin, sleep: async () => {}, random: () => 0.5, timeoutMs });
}

export interface PresetFixture {
  readonly name: string;
  readonly cpus: number;
  readonly memoryGiB: number;
  readonly gpus?: number;
  readonly clustering?: boolean;
}

export function platform(
  name: string,
  more: { gpuMemoryGb?: number; preemptible?: boolean; presets: readonly PresetFixture[] },
): Uint8Array {
  const presets = more.presets.map(({ name: preset, cpus, memoryGiB, gpus = 0, clustering = false }) =>
    field(
      1,
      message(
        field(1, preset),
        field(2, message(field(1, cpus), field(3, memoryGiB), field(4, gpus))),
        field(3, clustering ? 1 : 0),
      ),
    ),
  );
  const spec = message(...presets, field(4, `human name of ${name}`), field(12, more.gpuMemoryGb ?? 0));
  const status = message(field(3, more.preemptible === true ? 1 : 0));
  return message(field(1, message(field(3, name))), field(2, spec), field(3, status));
}

const EIGHT = { name: '8gpu-128vcpu-1600gb', cpus: 128, memoryGiB: 1600, gpus: 8, clustering: true };
const ONE = { name: '1gpu-16vcpu-200gb', cpus: 16, memoryGiB: 200, gpus: 1 };

export const PLATFORMS: Readonly<Record<string, readonly Uint8Array[]>> = {
  'project-north': [
    platform('cpu-d3', { presets: [{ name: '4vcpu-16gb', cpus: 4, memoryGiB: 16 }] }),
    platform('gpu-h100-sxm', { gpuMemoryGb: 80, preemptible: true, presets: [ONE, EIGHT] }),
    platform('gpu-rtx6000', {
      gpuMemoryGb: 96,
      presets: [{ name: '1gpu-24vcpu-218gb', cpus: 24, memoryGiB: 218, gpus: 1 }],
    }),
    platform('gpu-l40s-d', {
      gpuMemoryGb: 48,
      preemptible: true,
      presets: [{ name: '1gpu-16vcpu-96gb', cpus: 16, memoryGiB: 96, gpus: 1 }],
    }),
  ],
  'project-israel': [
    platform('gpu-b200-sxm-a', {
      gpuMemoryGb: 180,
      preemptible: true,
      presets: [{ name: '8gpu-160vcpu-1792gb', cpus: 160, memoryGiB: 1792, gpus: 8, clustering: true }],
    }),
  ],
  'project-britain': [
    platform('gpu-b300-sxm', {
      gpuMemoryGb: 288,
      presets: [{ name: '8gpu-192vcpu-2768gb', cpus: 192, memoryGiB: 2768, gpus: 8, clustering: true }],
    }),
  ],
};

const PRICES: Readonly<Record<string, number>> = {
  'cpu-d3 4vcpu-16gb': 0.1,
  'gpu-h100-sxm 1gpu-16vcpu-200gb': 2.95,
  'gpu-h100-sxm 8gpu-128vcpu-1600gb': 23.6,
  'gpu-rtx6000 1gpu-24vcpu-218gb': 1.8,
  'gpu-l40s-d 1gpu-16vcpu-96gb': 1.55,
  'gpu-b200-sxm-a 8gpu-160vcpu-1792gb': 44,
  'gpu-b300-sxm 8gpu-192vcpu-2768gb': 52,
};

export const TENANTS = 'nebius.iam.v1.TenantService/List';
export const PROJECTS = 'nebius.iam.v1.ProjectService/List';
export const PLATFORM_LIST = 'nebius.compute.v1.PlatformService/List';
export const ESTIMATE = 'nebius.billing.v1alpha1.CalculatorService/Estimate';

export function list(items: readonly Uint8Array[], next = ''): Uint8Array {
  return message(...items.map((item) => field(1, item)), field(2, next));
}

export function container(id: string, region = ''): Uint8Array {
  return message(field(1, message(field(1, id))), field(3, message(field(4, region))));
}

export function cost(dollars: string): Uint8Array {
  const breakdown = message(field(2, dollars), field(3, 'rounded'));
  return message(field(10, message(field(10, message(field(1, breakdown))))), field(20, message()));
}

/** What was asked of the calculator. */
export function estimated({ message: request }: GrpcRequest) {
  const create = request.message(1).message(100);
  const resources = create.message(2).message(2);
  return {
    project: create.message(1).text(2),
    type: `${resources.text(1)} ${resources.text(2)}`,
    preemptible: create.message(2).messages(19).length > 0,
  };
}

/** Projects come in two pages; two of them are in one region. */
export const ANSWERS: Answers = {
  [TENANTS]: () => list([container('tenant-1')]),
  [PROJECTS]: ({ message: request }) =>
    request.text(3) === ''
      ? list([container('project-north', 'eu-north1'), container('project-other', 'eu-north1')], 'page-2')
      : list([container('project-israel', 'me-west1'), container('project-britain', 'uk-south1')]),
  [PLATFORM_LIST]: ({ message: request }) => list(PLATFORMS[request.text(3)] ?? []),
  [ESTIMATE]: (request) => {
    const { type, preemptible } = estimated(request);
    return cost(String((PRICES[type] ?? 0) * (preemptible ? 0.5 : 1)));
  },
};

const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
export const PUBLIC_KEY = publicKey;
export const PRIVATE_KEY = privateKey;
export const ACCOUNT = ServiceAccountSchema.parse({
  service_account_id: 'serviceaccount-1',
  public_key_id: 'publickey-1',
  private_key: privateKey,
});
export const EXCHANGE = 'POST /oauth2/token/exchange';

export function httpTo(server: ReplayServer) {
  const origins = server.instead('https://auth.eu.nebius.com');
  return createHttp({ now: () => 0, sleep: async () => {}, random: () => 0.5, origins });
}

export interface Collected {
  readonly offers: readonly CollectedOffer[];
  readonly skipped: readonly string[];
  readonly requests: readonly GrpcRequest[];
  readonly busiest: number;
}

export async function collected(answers: Answers = {}, credentials: NebiusCredentials = ACCOUNT): Promise<Collected> {
  await using auth = await replayServer();
  auth.on(EXCHANGE, { json: { access_token: 'v1.secret', token_type: 'Bearer', expires_in: 43200 } });
  await using server = await grpcServer({ ...ANSWERS, ...answers });
  const skipped: string[] = [];
  const offers: CollectedOffer[] = [];
  const found = collectNebius(() => grpcTo(server))({
    http: httpTo(auth),
    config: null,
    signal: AbortSignal.timeout(10_000),
    now: () => Date.UTC(2026, 10, 20),
    credentials,
    log: { progress: () => {}, skipped: (what, reason) => void skipped.push(`${what}: ${reason}`) },
  });
  for await (const offer of found) offers.push(offer);
  return { offers, skipped, requests: server.requests, busiest: server.busiest };
}
