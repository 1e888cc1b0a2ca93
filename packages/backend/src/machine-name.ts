/** What machines are called, so that each server finds its own again (C2, C3, C14). */

/** `berth-`, twelve digits of the installation, a dash, and a token of 26: a limit below that is refused. */
export const SHORTEST_NAME_LIMIT = 45;

const TOKEN = /^[0-9a-z]{1,32}$/;

/** Whether a text can be a creation token. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

export function machineName(installation: string, token: string): string {
  return `berth-${installation}-${token}`;
}

/** The token in a machine's name; null: it is not one of this installation's. */
export function tokenOfName(name: string, installation: string): string | null {
  const start = machineName(installation, '');
  const token = name.startsWith(start) ? name.slice(start.length) : '';
  return isToken(token) ? token : null;
}

export const OWNER_TAG = 'berth-installation';
export const TOKEN_TAG = 'berth-token';
export const INSTANCE_TAG = 'berth-instance';

/** The tags that make a machine ours. */
export function ownerTags(owner: {
  readonly installation: string;
  readonly token: string;
  readonly instance: string;
}): Readonly<Record<string, string>> {
  return { [OWNER_TAG]: owner.installation, [TOKEN_TAG]: owner.token, [INSTANCE_TAG]: owner.instance };
}

/** The token in a machine's tags. Undefined: the machine is not ours (C3); null: it is, and has no token. */
export function tokenOfTags(
  tags: Readonly<Record<string, string | undefined>>,
  installation: string,
): string | null | undefined {
  if (tags[OWNER_TAG] !== installation) return undefined;
  const token = tags[TOKEN_TAG];
  return token !== undefined && isToken(token) ? token : null;
}
