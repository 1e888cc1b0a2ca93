import { randomBytes } from 'node:crypto';
import type { Answer, ApiCall } from './api-call.ts';
import { ApiError } from './api-error.ts';
import type { InstanceType } from './catalog.ts';
import { findInstanceType, REGIONS } from './catalog.ts';
import type { Cloud } from './cloud.ts';
import type { Instance } from './instance.ts';
import { toJson } from './instance.ts';
import type { LaunchRequest } from './launch-request.ts';
import { bodyHash, parseLaunch } from './launch-request.ts';
import { newSshKeyPair } from './ssh-key-pair.ts';

/** POST /v1/instances. From the look at the token until the row is written nothing is awaited: two launches cannot mix. */
export function launch(cloud: Cloud, call: ApiCall): Answer {
  const request = parseLaunch(call.body);
  const hash = bodyHash(request);
  const now = Date.now();
  cloud.instances.forget(now - cloud.options.tokenMemoryMs);
  const earlier = request.client_token === undefined ? undefined : cloud.instances.byToken(request.client_token);
  if (earlier !== undefined) return { status: 200, body: toJson(repeated(earlier, hash)) };

  const type = sold(request);
  const price = priceOf(cloud, type, request);
  checkQuota(cloud, type, request.region);
  if (!cloud.market.take(request.region, type.name, request.spot)) {
    throw new ApiError('out-of-stock', `no ${type.name} is free in ${request.region} now`, {
      region: request.region,
      instance_type: type.name,
      spot: request.spot,
    });
  }
  const instance = cloud.instances.insert(
    (seq): Instance => ({
      id: `fi-${randomBytes(6).toString('hex')}`,
      seq,
      name: request.name,
      status: 'booting',
      statusReason: null,
      statusSince: now,
      instanceType: type.name,
      vcpus: type.vcpus,
      memoryMib: type.memoryMib,
      region: request.region,
      spot: request.spot,
      tags: request.tags,
      sshPublicKeys: request.ssh_public_keys,
      userData: request.user_data ?? null,
      clientToken: request.client_token ?? null,
      bodyHash: hash,
      createdAt: now,
      terminatedAt: null,
      address: null,
      hostKey: newSshKeyPair(),
      priceCents: price,
      costCents: 0,
      bootFault: call.bend.bootFault,
    }),
  );
  cloud.lifecycle.follow(instance.id);
  return { status: 201, body: toJson(instance) };
}

/** A launch whose token was used before. */
function repeated(earlier: Instance, hash: string): Instance {
  const details = { instance_id: earlier.id };
  if (earlier.bodyHash !== hash) {
    throw new ApiError('token-conflict', `this client_token launched ${earlier.id} with another body`, details);
  }
  if (earlier.status === 'terminating' || earlier.status === 'terminated') {
    throw new ApiError('token-used', `this client_token launched ${earlier.id}, which is ${earlier.status}`, details);
  }
  return earlier;
}

function sold(request: LaunchRequest): InstanceType {
  if (!REGIONS.some(({ name }) => name === request.region)) {
    throw new ApiError('unknown-region', `there is no region "${request.region}"`);
  }
  const type = findInstanceType(request.instance_type);
  if (type === undefined) {
    throw new ApiError('unknown-instance-type', `there is no instance type "${request.instance_type}"`);
  }
  if (!type.regions.includes(request.region)) {
    throw new ApiError('unknown-instance-type', `${type.name} is not sold in ${request.region}`);
  }
  return type;
}

function priceOf(cloud: Cloud, type: InstanceType, request: LaunchRequest): number {
  const { onDemandCents, spotCents } = cloud.market.price(type);
  const price = request.spot ? spotCents : onDemandCents;
  if (price === null) throw new ApiError('unknown-instance-type', `${type.name} is not sold as spot`);
  return price;
}

function checkQuota(cloud: Cloud, type: InstanceType, region: string): void {
  const alive = cloud.instances.alive();
  const { maxMachines } = cloud.options;
  if (alive.length >= maxMachines) {
    throw new ApiError('quota-exceeded', `${alive.length} of ${maxMachines} instances are in use`, {
      quota: 'instances',
      region: null,
      limit: maxMachines,
      used: alive.length,
    });
  }
  const limit = cloud.market.quota(region);
  const used = usedVcpus(alive, region);
  if (used + type.vcpus > limit) {
    throw new ApiError(
      'quota-exceeded',
      `${used} of ${limit} vCPUs are in use in ${region}, ${type.vcpus} more wanted`,
      {
        quota: 'vcpus',
        region,
        limit,
        used,
      },
    );
  }
}

export function usedVcpus(alive: readonly Instance[], region: string): number {
  return alive.filter((instance) => instance.region === region).reduce((sum, { vcpus }) => sum + vcpus, 0);
}
