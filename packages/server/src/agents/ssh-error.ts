import { BerthError } from '@berth/core/errors';
import type { SshAddress } from './ssh-link.ts';

/** What went wrong on the way to a machine, for people. */

export const placeOf = ({ user, host, port }: SshAddress): string => `${user}@${host}:${port}`;

/** What the library throws and emits has these. */
interface SshFailure extends Error {
  readonly level?: string;
  readonly code?: string | number;
}

/** From a failure before the login was done. */
export function loginError(address: SshAddress, failure: SshFailure, publicKey: string): BerthError {
  const place = placeOf(address);
  if (failure.level === 'client-authentication') {
    return new BerthError('forbidden', `${place} refuses the SSH key of this Berth server.`, {
      hint: `Put this line into ~/.ssh/authorized_keys of ${address.user} there: ${publicKey}`,
      cause: failure,
    });
  }
  if (failure.level === 'client-socket') return unreachable(address, failure);
  if (failure.level === 'client-timeout') {
    return new BerthError('unavailable', `${place} does not answer: no SSH login came about in time.`, {
      hint: 'The machine may still be starting, or a firewall drops packets to this port.',
      cause: failure,
    });
  }
  const what = failure.level === 'handshake' ? 'no way of encrypting that both know' : failure.message;
  return new BerthError('unavailable', `There is no SSH connection to ${place} to be had: ${what}.`, {
    hint: `Look whether an OpenSSH server of the last ten years listens there: ssh -v -p ${address.port} ${address.user}@${address.host}`,
    cause: failure,
  });
}

const SOCKET_REASONS: Readonly<Record<string, readonly [string, string]>> = {
  ECONNREFUSED: ['nothing listens on this port', 'The machine may still be starting; else look at its sshd.'],
  ECONNRESET: ['it closed the connection', 'Its sshd may be starting, or has too many connections (MaxStartups).'],
  EHOSTUNREACH: ['there is no way to this host', 'Look at its address, and at routes and firewalls on the way.'],
  ENETUNREACH: ['there is no way to this network', 'Look at its address, and at routes and firewalls on the way.'],
  ETIMEDOUT: ['it does not answer', 'The machine may be off, or a firewall drops packets to this port.'],
  ENOTFOUND: ['nobody knows this name', 'Look at the spelling of the host and at the name servers.'],
  EAI_AGAIN: ['the name servers do not answer', 'Look at the network of this server.'],
};

function unreachable(address: SshAddress, failure: SshFailure): BerthError {
  const [why, hint] = SOCKET_REASONS[String(failure.code)] ?? [failure.message, undefined];
  return new BerthError('unavailable', `${placeOf(address)} cannot be reached: ${why}.`, {
    ...(hint === undefined ? {} : { hint }),
    cause: failure,
  });
}

/** From a failure when the login was done. */
export function brokenError(address: SshAddress, failure: SshFailure | null): BerthError {
  const silent = failure?.level === 'client-timeout';
  const why = silent ? 'nothing came back for too long' : (failure?.message ?? 'it was closed there');
  return new BerthError('unavailable', `The SSH connection to ${placeOf(address)} broke: ${why}.`, {
    ...(failure === null ? {} : { cause: failure }),
  });
}

/**
 * Another host key than the one that counts.
 * @param remembered the file that has it; null: the cloud, or our start script, told it
 */
export function hostKeyError(
  address: SshAddress,
  shown: string,
  expected: readonly string[],
  remembered: string | null,
): BerthError {
  const place = placeOf(address);
  const message = `${place} shows another host key than before, so nothing was sent to it: it may be another machine, or somebody in between.`;
  return new BerthError('forbidden', remembered === null ? message.replace('before', 'it was given') : message, {
    hint:
      remembered === null
        ? 'If the machine was set up a moment ago, its start script may not be done. Else terminate it and do not trust it.'
        : `If you know why it changed (a new installation), remove ${remembered}; the next key that is shown counts then.`,
    details: { shown, expected },
  });
}
