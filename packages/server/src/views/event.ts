import type { EventView } from '@berth/core/api-schemas';
import type { EventRow } from '@berth/store';
import type { Names } from './names.ts';

export async function eventViews(names: Names, events: readonly EventRow[]): Promise<EventView[]> {
  const user = await names.users(events.map(({ actor }) => actor));
  const run = await names.runs(events.map(({ runId }) => runId));
  return events.map((event) => ({
    id: event.id,
    at: event.at,
    actor: event.actor === null ? null : user(event.actor),
    kind: event.kind,
    message: event.message,
    target: { kind: event.targetKind, id: event.targetId, name: event.targetName },
    run: event.runId === null ? null : run(event.runId),
    details: { ...event.details },
  }));
}
