import type { EventId } from '@berth/core/ids';
import type { EventRow, ReadTables } from '@berth/store';
import { EventFeed, type EventFilter } from '../feeds/event-feed.ts';
import type { HandlersOf } from '../http/call.ts';
import { eventViews } from '../views/event.ts';
import { findRun } from './find.ts';
import { DEFAULT_PAGE, pageOf } from './page.ts';
import type { ServerParts } from './parts.ts';

export function eventHandlers(parts: ServerParts): HandlersOf<'event.list' | 'event.watch'> {
  const { store, names } = parts;
  return {
    'event.list': async ({ access: { project }, query }) => {
      const run = query.run === undefined ? null : await findRun(store.read, project, query.run);
      const limit = query.limit ?? DEFAULT_PAGE;
      const rows = await findEvents(
        store.read,
        { project: project.id, run: run?.id ?? null },
        'desc',
        limit + 1,
        query.after,
      );
      const page = pageOf(rows, limit);
      return { events: await eventViews(names, page.rows), next: page.next };
    },

    'event.watch': async ({ access: { project }, query, headers }, open) => {
      const run = query.run === undefined ? null : await findRun(store.read, project, query.run);
      const filter = { project: project.id, run: run?.id ?? null };
      const lastSeen = headers['last-event-id'];
      const feed = new EventFeed(store, filter, typeof lastSeen === 'string' ? (lastSeen as EventId) : null);
      try {
        const stream = open();
        for await (const rows of feed.batches(stream.signal)) {
          for (const view of await eventViews(names, rows)) {
            await stream.send({ event: 'event', data: view, id: view.id });
          }
        }
      } finally {
        feed.close();
      }
    },
  };
}

function findEvents(
  read: ReadTables,
  { project, run }: EventFilter,
  direction: 'asc' | 'desc',
  limit: number,
  after: string | undefined,
): Promise<EventRow[]> {
  return read.events.find({
    where: { projectId: project, ...(run === null ? {} : { runId: run }) },
    orderBy: ['id', direction],
    limit,
    ...(after === undefined ? {} : { after }),
  });
}
