/** Why a run that may not have just any new machine finds no place, in words that say who has what it waits for. */
import type { FleetId, ProjectId, RunSpec } from '@berth/core';
import { matcher } from '@berth/core/match';
import { explainMisfit } from '@berth/core/misfit';
import type { FleetRow, InstanceRow, ReadTables } from '@berth/store';

type Read = Pick<ReadTables, 'instances' | 'jobs' | 'runs'>;
type Wish = Pick<RunSpec, 'fleets' | 'creationPolicy' | 'requirements'>;

const SHOWN = 3;

/** Null: any machine may be made for it, so the offers say why there is none. */
export async function describeShortage(
  read: Read,
  project: ProjectId,
  wish: Wish,
  fleets: ReadonlyMap<FleetId, FleetRow>,
): Promise<string | null> {
  const reuse = wish.creationPolicy === 'reuse';
  if (wish.fleets === null) return reuse ? describeReuse(read, project, wish) : null;
  const told: string[] = [];
  let full = false;
  for (const fleet of fleets.values()) {
    if (!wish.fleets.includes(fleet.name)) continue;
    const rows = await read.instances.find({ where: { fleetId: fleet.id, status: { not: 'terminated' } } });
    const { max } = fleet.spec.nodes;
    if (fleet.status !== 'active') told.push(`Fleet ${fleet.name} is ${fleet.status}.`);
    else if (max !== null && rows.length >= max) {
      full = true;
      told.push(
        `Fleet ${fleet.name} is full, with ${rows.length} of at most ${count(max)}: ${await describe(read, rows, wish)}.`,
      );
    } else if (reuse && rows.length === 0) told.push(`Fleet ${fleet.name} has no instance yet.`);
    else if (reuse) told.push(`No instance of fleet ${fleet.name} is free: ${await describe(read, rows, wish)}.`);
  }
  if (told.length === 0) return null;
  const more = full ? "raise the fleet's `nodes`" : 'leave the creation policy `reuse` away';
  return `${told.join(' ')} Stop a run there, ${more}, or let this one wait with \`retry\`.`;
}

async function describeReuse(read: Read, project: ProjectId, wish: Wish): Promise<string> {
  const rows = await read.instances.find({ where: { projectId: project, status: { not: 'terminated' } } });
  const free = rows.length === 0 ? 'there is no instance' : `no instance is free: ${await describe(read, rows, wish)}`;
  return `The creation policy \`reuse\` lets no machine be made, and ${free}. Leave it away, or let this run wait with \`retry\`.`;
}

async function describe(read: Read, rows: readonly InstanceRow[], wish: Wish): Promise<string> {
  const shown = [...rows].sort((a, b) => a.createdAt - b.createdAt).slice(0, SHOWN);
  const told = await Promise.all(shown.map(async (row) => `${row.name} ${await occupation(read, row, wish)}`));
  if (rows.length > SHOWN) told.push(`and ${rows.length - SHOWN} more`);
  return told.join(', ');
}

/** `runs train`, `is provisioning`, `is idle (memory 15 GiB < 64 GiB)`. */
async function occupation(read: Read, row: InstanceRow, { requirements }: Wish): Promise<string> {
  const jobs = await read.jobs.find({ where: { instanceId: row.id, heldUntil: null } });
  const runs = await Promise.all([...new Set(jobs.map((job) => job.runId))].map((id) => read.runs.get(id)));
  const names = runs.flatMap((run) => (run === null ? [] : [run.name]));
  if (names.length > 0) return `runs ${names.join(' and ')}`;
  if (row.unreachableSince !== null) return 'does not answer';
  const misfit = matcher(requirements)(row);
  return misfit === null ? `is ${row.status}` : `is ${row.status} (${explainMisfit(misfit, requirements)})`;
}

function count(instances: number): string {
  return `${instances} ${instances === 1 ? 'instance' : 'instances'}`;
}
