/**
 * Which account holds a backend's machines. Another account lists none of them: Berth would take them for gone,
 * and nobody would ever end them.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BackendError, type ConfiguredBackend, type Logger } from '@berth/backend';
import type { ProjectId } from '@berth/core/ids';
import { type BackendRecords, machinesText } from './records.ts';

export interface HeldAccountOptions {
  readonly records: Pick<BackendRecords, 'machines'>;
  readonly log: Logger;
  /** Beside the folders of the backends themselves; all servers of a database see it. */
  readonly stateDir: string;
}

/**
 * Lets a backend in, and remembers its account, unless machines are held by another one.
 * @throws BackendError `config`: passing, as it ends with those machines
 */
export async function admitAccount(
  { records, log, stateDir }: HeldAccountOptions,
  project: ProjectId,
  { name, account, accountId }: Pick<ConfiguredBackend, 'name' | 'account' | 'accountId'>,
): Promise<void> {
  const file = join(stateDir, project, `${name}.account`);
  const known = await readFile(file, 'utf8').catch(() => null);
  if (known === accountId) return;
  const held = known === null ? 0 : await records.machines(project, name);
  if (held > 0) {
    throw new BackendError(
      'config',
      `These are credentials of another account (${account}), and ${machinesText(held)} held by the former one, which alone can end them. Put the former ones back, or give this account a backend of another name.`,
    );
  }
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await writeFile(file, accountId, { mode: 0o600 });
  } catch (error) {
    // A full disk must not keep anybody from ending machines.
    log.warn('the account of a backend could not be written down', { project, backend: name, error });
  }
}
