import { BerthError } from '@berth/core/errors';
import { INSTANCE_STATUSES, isInstanceAlive } from '@berth/core/states';
import type { ProjectRow, ReadTables } from '@berth/store';

const ALIVE = INSTANCE_STATUSES.filter(isInstanceAlive);
/** More names than this are not typed, but looked up. */
const NAMES_TOLD = 5;

/**
 * A project goes only when nothing is alive in it, or nobody would see to what it bills.
 * @throws BerthError `conflict`, with the commands that help
 */
export async function refuseHeld(read: ReadTables, project: ProjectRow): Promise<void> {
  const mine = { projectId: project.id };
  const held = [
    {
      names: (await read.runs.find({ where: { ...mine, live: true } })).map(({ name }) => name),
      noun: 'unfinished run',
      command: 'berth stop',
      listed: 'berth ps',
    },
    {
      names: (await read.fleets.find({ where: { ...mine, live: true } })).map(({ name }) => name),
      noun: 'fleet',
      command: 'berth fleet delete',
      listed: 'berth fleet list',
    },
    {
      names: (await read.instances.find({ where: { ...mine, status: { in: ALIVE } } })).map(({ name }) => name),
      noun: 'instance',
      command: 'berth instance delete',
      listed: 'berth instance list',
    },
  ].filter(({ names }) => names.length > 0);
  if (held.length === 0) return;
  const what = held.map(({ names, noun }) => `${names.length} ${noun}${names.length === 1 ? '' : 's'}`).join(', ');
  const commands = held.map(({ names, command, listed }) =>
    names.length > NAMES_TOLD
      ? `\`${command} NAME… --project ${project.name}\` (\`${listed}\` shows the names)`
      : `\`${command} ${names.join(' ')} --project ${project.name}\``,
  );
  throw new BerthError('conflict', `\`${project.name}\` still holds ${what}.`, {
    hint: `First ${commands.join(', then ')}.`,
  });
}
