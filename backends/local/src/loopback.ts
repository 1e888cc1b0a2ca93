import { createHash } from 'node:crypto';

/** All of 127.0.0.0/8 is this machine; this corner of it is ours, and nobody else is known to use it. */
const NETWORK = '127.77';

/** Last bytes that are not used: 0 and 255 look like a network and its broadcast to some programs. */
const HOSTS_PER_BLOCK = 254;
const ADDRESSES = 256 * HOSTS_PER_BLOCK;

/**
 * An address of its own for an instance, so that nodes of one replica can all listen on the same port.
 * It begins where the token's hash points, so that instances of different servers, which know nothing
 * of each other, hardly ever meet.
 */
export function loopbackAddress(token: string, taken: ReadonlySet<string>, platform: NodeJS.Platform): string {
  // macOS answers on 127.0.0.1 alone until somebody adds aliases, which needs root.
  if (platform !== 'linux') return '127.0.0.1';
  const start = createHash('sha256').update(token).digest().readUInt32BE(0) % ADDRESSES;
  for (let step = 0; step < ADDRESSES; step++) {
    const address = addressAt((start + step) % ADDRESSES);
    if (!taken.has(address)) return address;
  }
  throw new Error(`All ${ADDRESSES} loopback addresses are taken.`); // with 64 instances at most, a defect
}

function addressAt(index: number): string {
  return `${NETWORK}.${Math.floor(index / HOSTS_PER_BLOCK)}.${(index % HOSTS_PER_BLOCK) + 1}`;
}
