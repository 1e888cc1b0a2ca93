import { JobFailure } from './failure.ts';

/** The account that a job's processes run as. */
export interface UnixUser {
  readonly name: string | null;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** What `/etc/passwd` and `/etc/group` hold, of this machine or of an image. */
export interface Accounts {
  readonly passwd: string;
  readonly group: string;
}

/**
 * Resolves `name|uid[:group|gid]`. A number needs no entry, as in Docker; a name without one is a
 * `setup-error`.
 */
export function resolveUser(spec: string, accounts: Accounts): UnixUser {
  const [userPart = '', groupPart] = spec.split(':');
  const rows = accounts.passwd.split('\n').map((line) => line.split(':'));
  if (userPart === '') throw new JobFailure('setup-error', `"${spec}" names no user.`);
  const row = rows.find((fields) => fields[0] === userPart) ?? rows.find((fields) => fields[2] === userPart);
  if (row === undefined && !/^\d+$/.test(userPart)) {
    throw new JobFailure('setup-error', `There is no user "${userPart}" here. Name one that exists, or a number.`);
  }
  const gid = groupPart === undefined || groupPart === '' ? Number(row?.[3] ?? 0) : resolveGroup(groupPart, accounts);
  return {
    name: row?.[0] ?? null,
    uid: row === undefined ? Number(userPart) : Number(row[2]),
    gid,
    home: row?.[5] || '/',
  };
}

function resolveGroup(spec: string, accounts: Accounts): number {
  const row = accounts.group
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[0] === spec);
  if (row !== undefined) return Number(row[2]);
  if (/^\d+$/.test(spec)) return Number(spec);
  throw new JobFailure('setup-error', `There is no group "${spec}" here. Name one that exists, or a number.`);
}
