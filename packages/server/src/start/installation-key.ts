import { chmodSync, existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BerthError } from '@berth/core/errors';
import type { RandomBytes } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import type { Home } from '../config/home.ts';
import { keyPairOfSeed, publicHalf, type SshKeyPair } from './ssh-key.ts';

const COMMENT = 'berth';

/** What belongs to SSH, of all servers of the installation: our key, and the host keys of machines. */
export function sshDir(home: Home): string {
  return join(home.common, 'ssh');
}

/**
 * The key with which this installation logs in on machines; made when it is first asked for.
 * @throws BerthError `unavailable` when the file cannot be read or written, or is no key
 */
export function installationKey(home: Home, random: RandomBytes): SshKeyPair {
  const path = join(sshDir(home), 'id_ed25519');
  try {
    if (!existsSync(path)) make(path, home, random);
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
    const text = readFileSync(path, 'utf8');
    return { private: new Secret(text), public: publicHalf(text, COMMENT) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BerthError('unavailable', `${path}, the SSH key of this installation, cannot be used: ${why}`, {
      hint: 'Put it back from a backup. With another key, machines that exist can no longer be reached.',
      cause,
    });
  }
}

/** Written beside and linked into place: never half a key, nor two keys for two servers. */
function make(path: string, home: Home, random: RandomBytes): void {
  mkdirSync(sshDir(home), { recursive: true, mode: 0o700 });
  const pair = keyPairOfSeed(random(32), COMMENT);
  const beside = `${path}.${Buffer.from(random(6)).toString('hex')}`;
  writeFileSync(beside, pair.private.reveal(), { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkSync(beside, path);
    // For people; Berth itself reads only the private file.
    writeFileSync(`${path}.pub`, `${pair.public}\n`, { mode: 0o644 });
  } catch (error) {
    if (!existsSync(path)) throw error;
  } finally {
    rmSync(beside, { force: true });
  }
}
