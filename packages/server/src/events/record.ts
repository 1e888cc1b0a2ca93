import { type Clock, newId, type RandomBytes } from '@berth/core/ids';
import type { EventRow, Tables } from '@berth/store';

export type EventDraft = Omit<EventRow, 'id' | 'at' | 'runId' | 'details'> &
  Partial<Pick<EventRow, 'runId' | 'details'>>;

/** Writes an event with the change that it tells of. */
export type RecordEvent = (tables: Tables, draft: EventDraft) => Promise<void>;

export function eventRecorder(clock: Clock, random: RandomBytes): RecordEvent {
  return async (tables, draft) => {
    const at = clock.now();
    await tables.events.insert({ runId: null, details: {}, ...draft, id: newId<'EventId'>(at, random), at });
  };
}
