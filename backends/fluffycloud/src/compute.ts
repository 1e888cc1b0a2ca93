/** FluffyCloud's machines in the words of the contract. */
import { type CloudInstance, type Compute, tokenOfTags } from '@berth/backend';
import { launch, type Machine, machines, terminate, turn } from './api.ts';
import { availability } from './availability.ts';
import type { Context } from './index.ts';

export function compute(context: Context): Compute {
  const { installation } = context;
  return {
    async create(request, call) {
      return told(await launch(context, request, call.signal), request.token);
    },
    async list(call) {
      const listed = await machines(context, installation, call.signal);
      return listed.flatMap((machine) => {
        const token = tokenOfTags(machine.tags, installation);
        // Undefined: not ours (C3). The cloud has looked already; it costs nothing to look again.
        return token === undefined ? [] : [told(machine, token)];
      });
    },
    async terminate(ref, call) {
      await terminate(context, ref.cloudId, call.signal);
    },
    offers: {
      availability: (offers, call) => availability(context, offers, call.signal),
    },
    suspend: {
      stop: (ref, call) => turn(context, ref.cloudId, 'stop', call.signal),
      start: (ref, call) => turn(context, ref.cloudId, 'start', call.signal),
    },
  };
}

function told(machine: Machine, token: string | null): CloudInstance {
  const { ip, ssh_port: port, ssh_user: user, ssh_host_key: hostKey } = machine;
  const isReachable = ip !== null && port !== null && hostKey !== null;
  return {
    cloudId: machine.id,
    token,
    name: machine.name,
    region: machine.region,
    zone: null,
    state: machine.status,
    address: isReachable ? { kind: 'ssh', host: ip, port, user, hostKeys: [hostKey] } : null,
    internalIp: machine.private_ip,
  };
}
