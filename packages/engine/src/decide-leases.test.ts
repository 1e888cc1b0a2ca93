/** Several servers that see the same rows at different times, whose processes stand still and die. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ServerId } from '@berth/core';
import type { LeaseRow, ServerRow } from '@berth/store';
import fc from 'fast-check';
import {
  BEAT_MS,
  decideLeases,
  isLive,
  LEASE_MARGIN_MS,
  LEASE_TTL_MS,
  lookAround,
  NOTHING_SEEN,
  type Sightings,
  shareOf,
} from './decide-leases.ts';
import { ALL_LANES, LANE_COUNT, type Lane, laneOf } from './lanes.ts';
import { leaseId, leasesByLane } from './lease-rows.ts';

const IDS = ['s1', 's2', 's3', 's4'] as ServerId[];

const serverRow = (id: ServerId, version: number, seenAt = 0): ServerRow => ({
  id,
  host: 'h',
  pid: 1,
  url: null,
  startedAt: 0,
  seenAt,
  version,
});

describe('sharing', () => {
  test('every lane has one server, the shares are nearly even, and only the share of who goes moves', () => {
    const [first, second, third] = IDS as [ServerId, ServerId, ServerId];
    const before = ALL_LANES.map((lane) => shareOf(lane, [first, second, third]));
    for (const id of [first, second, third]) {
      const share = before.filter((owner) => owner === id).length;
      assert.ok(share > 10 && share < 35, `${share} lanes`);
    }
    for (const lane of ALL_LANES) {
      if (before[lane] !== third) assert.equal(shareOf(lane, [second, first]), before[lane]);
    }
    assert.equal(shareOf(0, []), null);
  });

  test('things are spread over the lanes', () => {
    const counts = new Array<number>(LANE_COUNT).fill(0);
    for (let i = 0; i < 6_400; i++) {
      const lane = laneOf(`01JD${String(i).padStart(22, '0')}`);
      counts[lane] = (counts[lane] ?? 0) + 1;
    }
    assert.ok(Math.min(...counts) > 60 && Math.max(...counts) < 145, `${Math.min(...counts)}…${Math.max(...counts)}`);
  });
});

describe('silence', () => {
  const [id] = IDS as [ServerId];
  const look = (before: Sightings, version: number, at: number) => lookAround(before, [serverRow(id, version)], at);

  test('a server that gives no sign for the whole time is gone; one sign, and it counts anew', () => {
    let seen = look(NOTHING_SEEN, 1, 0);
    for (let at = BEAT_MS; at < LEASE_TTL_MS; at += BEAT_MS) seen = look(seen, 1, at);
    assert.ok(isLive(seen, id));
    assert.ok(!isLive(look(seen, 1, LEASE_TTL_MS), id));
    assert.ok(isLive(look(look(seen, 2, LEASE_TTL_MS), 2, 2 * LEASE_TTL_MS - 1), id));
  });

  test('who could not look for an hour does not take the hour for silence of others', () => {
    const seen = look(look(NOTHING_SEEN, 1, 0), 1, 3_600_000);
    assert.ok(isLive(seen, id));
  });

  test('one that was given up and signs in again is live, whatever its version', () => {
    const seen = lookAround(lookAround(NOTHING_SEEN, [serverRow(id, 1, 5)], 0), [serverRow(id, 1, 5)], LEASE_TTL_MS);
    assert.equal(lookAround(seen, [serverRow(id, 1, 6)], LEASE_TTL_MS + 1).of.get(id)?.silentMs, 0);
  });

  test('a server that is not in the books is gone', () => {
    assert.ok(!isLive(NOTHING_SEEN, id));
  });
});

test('a lane that is another one’s share and ours in the books only is released', () => {
  const [self, other] = IDS as [ServerId, ServerId];
  const servers = [serverRow(self, 1), serverRow(other, 1)];
  const lane = ALL_LANES.find((one) => shareOf(one, [self, other]) === other) ?? 0;
  const leases = new Map([[lane, { id: leaseId(lane), owner: self, token: 3, version: 3 }]]);
  const decision = decideLeases({ self, sightings: lookAround(NOTHING_SEEN, servers, 0), leases, held: new Map() });
  assert.deepEqual(decision.release, [lane]);
  assert.ok(!decision.take.includes(lane));
});

/** A server as this model knows it: it looks and decides at its own pace, and stands still at times. */
class Model {
  readonly id: ServerId;
  sightings: Sightings = NOTHING_SEEN;
  readonly held = new Map<Lane, number>();
  validUntil = 0;
  pausedUntil = 0;
  /** It acts, and cannot reach the database. */
  cutOffUntil = 0;
  dead = false;

  constructor(id: ServerId) {
    this.id = id;
  }

  acts(lane: Lane, at: number): boolean {
    return !this.dead && at >= this.pausedUntil && at < this.validUntil && this.held.has(lane);
  }
}

class Database {
  readonly servers = new Map<ServerId, ServerRow>();
  readonly leases = new Map<string, LeaseRow>();
  changes = 0;

  /** What `leases.ts` does in a round, with hand-overs that take no time. */
  round(server: Model, at: number): void {
    const before = this.servers.get(server.id);
    this.servers.set(server.id, serverRow(server.id, (before?.version ?? 0) + 1, at));
    server.validUntil = at + LEASE_TTL_MS - LEASE_MARGIN_MS;
    const servers = [...this.servers.values()];
    server.sightings = lookAround(server.sightings, servers, at);
    const leases = leasesByLane([...this.leases.values()]);
    const { self, sightings, held } = { self: server.id, sightings: server.sightings, held: server.held };
    const { take, yield: yielded, release, lost } = decideLeases({ self, sightings, leases, held });
    for (const lane of [...lost, ...yielded]) server.held.delete(lane);
    for (const lane of [...yielded, ...release]) this.#own(lane, null);
    for (const lane of take) server.held.set(lane, this.#own(lane, server.id).token);
    for (const { id } of servers) if (!isLive(sightings, id) && id !== server.id) this.servers.delete(id);
  }

  #own(lane: Lane, owner: ServerId | null): LeaseRow {
    const id = leaseId(lane);
    const row = { id, owner, token: (this.leases.get(id)?.token ?? 0) + 1, version: 1 };
    this.leases.set(id, row);
    this.changes += 1;
    return row;
  }
}

/** What befalls which server, and how long after the step before. */
const anyStep = fc.record({
  server: fc.integer({ min: 0, max: IDS.length - 1 }),
  what: fc.constantFrom('pause', 'cut off', 'die', 'join', 'none'),
  forMs: fc.integer({ min: 0, max: 3 * LEASE_TTL_MS }),
  thenMs: fc.integer({ min: 0, max: 2 * LEASE_TTL_MS }),
});

type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

const TICK_MS = 250;

function play(steps: readonly Step[], check: (models: readonly Model[], at: number) => void) {
  const database = new Database();
  let models = IDS.slice(0, 2).map((id) => new Model(id));
  const nextRound = new Map<ServerId, number>();
  let at = 0;
  let lives = IDS.length;
  const pass = (ms: number): void => {
    for (const until = at + ms; at < until; at += TICK_MS) {
      for (const server of models) {
        if (server.dead || at < server.pausedUntil || at < server.cutOffUntil || at < (nextRound.get(server.id) ?? 0))
          continue;
        if (at >= server.validUntil) server.held.clear();
        database.round(server, at);
        nextRound.set(server.id, at + BEAT_MS);
      }
      check(models, at);
    }
  };
  for (const { server, what, forMs, thenMs } of steps) {
    const model = models[server % models.length];
    if (what === 'pause' && model !== undefined) model.pausedUntil = at + forMs;
    if (what === 'cut off' && model !== undefined) model.cutOffUntil = at + forMs;
    if (what === 'die' && model !== undefined && models.filter(({ dead }) => !dead).length > 1) model.dead = true;
    if (what === 'join') models = [...models, new Model(`s${++lives}` as ServerId)];
    pass(thenMs);
  }
  return { database, models, pass, now: () => at };
}

describe('leases', () => {
  test('no two servers act in one lane at a time, as long as each stops when its time is over', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 12 }), (steps) => {
        play(steps, (models, at) => {
          for (const lane of ALL_LANES) {
            const acting = models.filter((model) => model.acts(lane, at));
            assert.ok(acting.length <= 1, `lane ${lane} at ${at}: ${acting.map(({ id }) => id)}`);
          }
        });
      }),
      { numRuns: 100 },
    );
  });

  test('every lane is acted in, within a bound after the last of what befell the servers', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 8 }), (steps) => {
        const { models, pass, now } = play(steps, () => {});
        for (const model of models) model.pausedUntil = model.cutOffUntil = 0;
        pass(LEASE_TTL_MS + 4 * BEAT_MS);
        for (const lane of ALL_LANES) {
          assert.equal(models.filter((model) => model.acts(lane, now())).length, 1, `lane ${lane}`);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('as long as no server comes or goes, no lane moves', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 6 }), (steps) => {
        const { database, models, pass } = play(steps, () => {});
        for (const model of models) model.pausedUntil = model.cutOffUntil = 0;
        pass(LEASE_TTL_MS + 4 * BEAT_MS);
        const before = database.changes;
        pass(10 * LEASE_TTL_MS);
        assert.equal(database.changes, before);
      }),
      { numRuns: 40 },
    );
  });
});
