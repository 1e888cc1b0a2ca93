/** What clouds refused: how far that reaches, how long it is believed, and what it says to people. Shared by all runs. */
import type { BackendError, BackendErrorCode } from '@berth/backend';
import type { Millis, Offer, ProjectId } from '@berth/core';
import { formatElapsed } from '@berth/core/cost';
import type { Held } from '@berth/core/place';
import type { FailureRow, Insert, InstanceRow, ReadTables } from '@berth/store';
import type { Tx } from './books.ts';
import { backoff, FAILURE_TTL, FAILURES_IN_A_ROW_MS, LONGEST_FAILURE_MS } from './timing.ts';

type Place = Pick<InstanceRow, 'projectId' | 'backend' | 'region' | 'zone' | 'instanceType' | 'capacityType'>;
type Refusal = Pick<BackendError, 'code' | 'message' | 'scope' | 'retryAfterMs'>;

const REMEMBERED: readonly BackendErrorCode[] = ['no-capacity', 'quota', 'auth', 'config', 'not-found'];

function isRemembered(code: BackendErrorCode): code is FailureRow['code'] {
  return REMEMBERED.includes(code);
}

/** @param before the row of the same id, if there is one */
export function failureOf(
  place: Place,
  refusal: Refusal & { readonly code: FailureRow['code'] },
  before: FailureRow | null,
  now: Millis,
): Insert<FailureRow> {
  const reach = reachOf(place, refusal);
  // In a row: nothing worked in between, or the row would be gone; and not so long ago that it means nothing.
  const isInARow = before !== null && before.until + FAILURES_IN_A_ROW_MS > now;
  const count = isInARow ? before.count + 1 : 1;
  const ttl = refusal.retryAfterMs ?? backoff(FAILURE_TTL[refusal.code], count);
  return {
    id: failureId(place, refusal),
    projectId: place.projectId,
    backend: place.backend,
    code: refusal.code,
    scope: refusal.scope,
    ...reach,
    message: refusal.message,
    count,
    at: now,
    until: now + Math.min(Math.ceil(ttl), LONGEST_FAILURE_MS),
  };
}

export function failureId(place: Place, refusal: Pick<Refusal, 'code' | 'scope'>): string {
  const { region, zone, instanceType, capacityType } = reachOf(place, refusal);
  const parts = [place.projectId, place.backend, refusal.code, refusal.scope, region, zone, instanceType, capacityType];
  return parts.map((part) => part ?? '-').join('/');
}

/** Null where the scope is wider than that. Wrong credentials are wrong for every type of machine. */
function reachOf(
  place: Place,
  { code, scope }: Pick<Refusal, 'code' | 'scope'>,
): Pick<FailureRow, 'region' | 'zone' | 'instanceType' | 'capacityType'> {
  const isNarrow = scope === 'zone' || scope === 'region';
  const ofType = (isNarrow || scope === 'type') && code !== 'auth';
  return {
    region: isNarrow ? place.region : null,
    zone: scope === 'zone' ? place.zone : null,
    instanceType: ofType ? place.instanceType : null,
    capacityType: ofType ? place.capacityType : null,
  };
}

export function covers(failure: FailureRow, offer: Omit<Place, 'projectId'>): boolean {
  const fits = (of: string | null, is: string | null): boolean => of === null || of === is;
  return (
    failure.backend === offer.backend &&
    fits(failure.region, offer.region) &&
    fits(failure.zone, offer.zone) &&
    fits(failure.instanceType, offer.instanceType) &&
    fits(failure.capacityType, offer.capacityType)
  );
}

/** Those that are believed now. One that lies too far ahead is from before the clock was set back. */
export async function failuresOf(
  read: Pick<ReadTables, 'failures'>,
  project: ProjectId,
  now: Millis,
): Promise<readonly FailureRow[]> {
  const rows = await read.failures.find({ where: { projectId: project, until: { gt: now } } });
  return rows.filter(({ until }) => until - now <= LONGEST_FAILURE_MS);
}

/** Of several that cover the offer, the one that lasts longest. */
export function heldBy(failures: readonly FailureRow[], offer: Offer, now: Millis): Held | null {
  let longest: FailureRow | null = null;
  for (const failure of failures) {
    if (covers(failure, offer) && failure.until > (longest?.until ?? 0)) longest = failure;
  }
  return longest === null ? null : { until: longest.until, reason: describeFailureRow(longest, now) };
}

const WORDS: Readonly<Record<FailureRow['code'], string>> = {
  'no-capacity': 'out of stock',
  quota: 'beyond the quota of the account',
  auth: 'refused for the credentials',
  config: 'refused for the configuration',
  'not-found': 'not to be had',
};

/** `out of stock in eu-1 since 3m 00s, tried again in 2m 00s`. */
function describeFailureRow({ code, region, zone, at, until }: FailureRow, now: Millis): string {
  const where = zone ?? region;
  return `${WORDS[code]}${where === null ? '' : ` in ${where}`} since ${minutes(now - at)}, tried again in ${minutes(until - now)}`;
}

/** In whole minutes, so that refusals of the same minute count as one. */
function minutes(ms: number): string {
  return ms < 60_000 ? 'less than a minute' : formatElapsed(Math.floor(ms / 60_000) * 60_000).replace(' 00s', '');
}

export async function rememberFailure(tx: Tx, place: Place, error: BackendError, now: Millis): Promise<void> {
  const { code } = error;
  if (!isRemembered(code)) return;
  const { message, scope, retryAfterMs } = error;
  const before = await tx.read.failures.get(failureId(place, error));
  const failure = failureOf(place, { code, message, scope, retryAfterMs }, before, now);
  const { id: _id, ...patch } = failure;
  if (before === null) await tx.add('failures', failure);
  else await tx.change('failures', before, patch);
}

/** A machine was made there, or one was given back: what was refused before may be had again. */
export async function forgetFailures(
  tx: Tx,
  place: Place,
  codes: readonly FailureRow['code'][] | 'all' = 'all',
): Promise<void> {
  const rows = await tx.read.failures.find({ where: { projectId: place.projectId, backend: place.backend } });
  for (const row of rows) {
    if (covers(row, place) && (codes === 'all' || codes.includes(row.code))) await tx.forget('failures', row.id);
  }
}

/** What somebody has changed there, credentials or configuration, may have been what was wrong. */
export async function forgetSetup(tx: Tx, project: ProjectId): Promise<void> {
  const rows = await tx.read.failures.find({ where: { projectId: project } });
  for (const row of rows) {
    if (row.code === 'auth' || row.code === 'config') await tx.forget('failures', row.id);
  }
}
