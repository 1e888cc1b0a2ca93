/**
 * The address of a remote as another machine may use it, or null when it may not be able to: a path
 * exists only here, and an address with a password is one that needs it. (A password is never sent.)
 */
export function cloneableRemote(url: string): string | null {
  if (/^[^/:\s]+@[^/:\s]+:./.test(url)) return url; // git@host:path, with the key of whoever clones
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return null;
  }
  if (!['http:', 'https:', 'ssh:', 'git:'].includes(parsed.protocol)) return null;
  if (parsed.password !== '') return null;
  // A lone user name in front of an https host is a token as often as a name.
  if (parsed.protocol !== 'ssh:' && parsed.username !== '') return null;
  return url;
}
