import type { Logger } from '@berth/backend';
import type { ProjectId } from '@berth/core/ids';
import type { Secret } from '@berth/core/secret';
import type { Sealer } from '@berth/engine';
import type { Store } from '@berth/store';

/** One that cannot be opened is left out: only a run that needs it must fail. */
export async function openSecrets(
  store: Store,
  sealer: Sealer,
  project: ProjectId,
  log: Logger,
): Promise<ReadonlyMap<string, Secret<string>>> {
  const opened = new Map<string, Secret<string>>();
  for (const { name, ciphertext } of await store.read.secrets.find({ where: { projectId: project } })) {
    try {
      opened.set(name, sealer.open(ciphertext));
    } catch (error) {
      log.error('a secret cannot be opened', { name, project, error });
    }
  }
  return opened;
}
