import { MAX_USER_DATA_BYTES } from '@berth/backend';
import { quoteShellWord } from '@berth/core/shell-words';
import type { SshKeyPair } from './ssh-key.ts';

export interface UserDataOptions {
  /** Who may log in as root, lines as in `authorized_keys`. */
  readonly authorizedKeys: readonly string[];
  /** What the machine is to show; it is given, so that it is known before the first contact. */
  readonly hostKey: SshKeyPair;
}

/**
 * The script that cloud-init, or whatever the image has in its place, runs as root at the first boot: it lets
 * Berth in and gives the machine its host key. Everything else Berth does by SSH. POSIX sh; running it again
 * changes nothing. `BERTH_ROOT` is another place than `/`, for tests.
 * @throws RangeError when it is longer than a cloud takes
 */
export function userData({ authorizedKeys, hostKey }: UserDataOptions): string {
  const script = `#!/bin/sh
# Made by Berth, for this machine alone: lets its server in, and sets the host key that the server expects.
set -eu
umask 077
root=\${BERTH_ROOT-}

mkdir -p "$root/root/.ssh" "$root/etc/ssh"
chmod 700 "$root/root/.ssh"
keys="$root/root/.ssh/authorized_keys"
touch "$keys"
chmod 600 "$keys"
# A last line without its end would swallow ours.
[ -z "$(tail -c 1 "$keys")" ] || echo >>"$keys"
for key in ${authorizedKeys.map(quoteShellWord).join(' ')}; do
  grep -qxF "$key" "$keys" || printf '%s\\n' "$key" >>"$keys"
done

host="$root/etc/ssh/ssh_host_ed25519_key"
cat >"$host.berth" <<'KEY'
${hostKey.private.reveal()}KEY
printf '%s\\n' ${quoteShellWord(hostKey.public)} >"$host.pub.berth"
chmod 644 "$host.pub.berth"
if cmp -s "$host.berth" "$host"; then
  rm -f "$host.berth" "$host.pub.berth"
else
  mv -f "$host.pub.berth" "$host.pub"
  mv -f "$host.berth" "$host"
  if [ -z "$root" ]; then
    command -v restorecon >/dev/null 2>&1 && restorecon "$host" "$host.pub" "$keys" || :
    # It is called ssh or sshd; one that is not up yet reads the key when it starts.
    for name in ssh sshd; do
      systemctl try-reload-or-restart "$name" 2>/dev/null || service "$name" reload 2>/dev/null || :
    done
  fi
fi
`;
  const bytes = Buffer.byteLength(script);
  if (bytes > MAX_USER_DATA_BYTES) {
    throw new RangeError(`The start script has ${bytes} bytes, and ${MAX_USER_DATA_BYTES} is what clouds take.`);
  }
  return script;
}
