import type { CloudInstance } from '@berth/backend';
import type { InstanceRow, Patch } from '@berth/store';

/** What the cloud tells of a machine, as its row keeps it. What was known and is not told now stays known. */
export function factsOf(machine: CloudInstance, row: InstanceRow): Patch<InstanceRow> {
  return {
    cloudId: machine.cloudId,
    // The address is plain data; the row keeps it as JSON.
    address: machine.address === null ? row.address : { ...machine.address },
    internalIp: machine.internalIp ?? row.internalIp,
    ...(machine.resources === undefined ? {} : { resources: machine.resources }),
    ...(machine.gpuDevices === undefined ? {} : { gpuDevices: machine.gpuDevices }),
  };
}
