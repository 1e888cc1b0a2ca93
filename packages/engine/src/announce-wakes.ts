/** What one server tells the others: who must look again, because something was written that concerns them. */
import type { Commit } from '@berth/store';
import { LANE_COUNT, type Lane } from './lanes.ts';
import type { Concern, Key } from './wake.ts';

/** A store takes announcements of 4,000 bytes. Ids are ASCII. */
const MAX_LENGTH = 4_000;

const WAKE = 'wake';
const RECHECK = 'recheck';

export type Announcement =
  | { readonly kind: 'wake'; readonly server: string; readonly concerned: readonly Concern[] }
  /** Everything in these lanes: somebody forgot what it was to wake there. */
  | { readonly kind: 'recheck'; readonly server: string; readonly lanes: readonly Lane[] };

export function announceWakes(commit: Pick<Commit, 'announce'>, server: string, concerned: readonly Concern[]): void {
  const said = new Set(concerned.map(({ key, lane }) => `${lane}/${key}`));
  let message = '';
  for (const word of said) {
    if (message !== '' && message.length + 1 + word.length > MAX_LENGTH) {
      commit.announce(message);
      message = '';
    }
    message = message === '' ? `${WAKE} ${server} ${word}` : `${message} ${word}`;
  }
  if (message !== '') commit.announce(message);
}

export function announceRecheck(commit: Pick<Commit, 'announce'>, server: string, lanes: Iterable<Lane>): void {
  commit.announce([RECHECK, server, ...lanes].join(' '));
}

/** Null: it is about something else. */
export function readAnnouncement(message: string): Announcement | null {
  const [kind, server, ...words] = message.split(' ');
  if (server === undefined) return null;
  if (kind === RECHECK) return { kind, server, lanes: words.map(Number).filter(isLane) };
  if (kind !== WAKE) return null;
  const concerned: Concern[] = [];
  for (const word of words) {
    const slash = word.indexOf('/');
    const lane = Number(word.slice(0, slash));
    // Keys have no other source than `announceWakes`.
    if (slash > 0 && isLane(lane)) concerned.push({ key: word.slice(slash + 1) as Key, lane });
  }
  return { kind, server, concerned };
}

function isLane(lane: number): boolean {
  return Number.isInteger(lane) && lane >= 0 && lane < LANE_COUNT;
}
