import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { testAssignment } from '@berth/agent/testing/assignment';
import { type BlobHash, newId, type ProjectId } from '@berth/core/ids';
import { Secret } from '@berth/core/secret';
import type { AgentHandlers, AgentReport } from '@berth/engine';
import { openSqliteStore } from '@berth/store/sqlite';
import { BlobStore } from '../blobs/blob-store.ts';
import { artifactPath, homeAt, prepareHome } from '../config/home.ts';
import { LogStore } from '../logs/log-store.ts';
import { MetricsRing } from '../metrics/ring.ts';
import { installationKey } from '../start/installation-key.ts';
import { systemClock } from '../start/system-clock.ts';
import { QUIET_LOG } from '../testing/quiet-log.ts';
import { instanceRow, jobRow } from '../testing/rows.ts';
import { OUR_NODE, requireSshd, TestSshd, tools } from '../testing/sshd.ts';
import { createAgentConnector } from './connector.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

test('over SSH a job gets its files, and its log, its end and its artifacts come back', async (t) => {
  if (!(await requireSshd(t))) return;
  const root = mkdtempSync(join(tmpdir(), 'berth-home-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const home = homeAt(root);
  prepareHome(home);
  const sshd = await TestSshd.start(t, {
    authorizedKeys: [installationKey(home, random).public],
    path: `${tools(t, { node: OUR_NODE })}:/usr/bin:/bin`,
  });
  const store = openSqliteStore({ path: home.database, clock: systemClock });
  t.after(() => store.close());
  const logs = new LogStore({ dir: home.logs, now: systemClock.now, onProblem: () => {}, onRecovered: () => {} });
  const blobs = new BlobStore({ dir: home.blobs, store, clock: systemClock, random, maxBytes: 1e9 });
  const connector = createAgentConnector({
    ...{ home, store, logs, blobs, random, log: QUIET_LOG, metrics: new MetricsRing(), installation: 'test' },
    agentStartOf: () => 'ssh',
  });

  const project = newId<'ProjectId'>(1, random) as ProjectId;
  const bytes = random(3_000_000);
  writeFileSync(join(root, 'data'), bytes);
  const archive = execFileSync('tar', ['-czf', '-', '-C', root, 'data'], { maxBuffer: 10_000_000 });
  const hash = createHash('sha256').update(archive).digest('hex') as BlobHash;
  await blobs.put(
    project,
    hash,
    (async function* () {
      yield archive;
    })(),
  );
  const assignment = testAssignment({
    commands: ['mkdir out', 'cp data out/copy', 'echo copied', 'exit 4'],
    files: [{ blob: hash, bytes: archive.length, path: 'data' }],
    artifacts: ['out'],
  });
  const row = instanceRow({ id: newId<'InstanceId'>(2, random), projectId: project });
  await store.transaction(async (tables) => {
    await tables.instances.insert(row);
  });

  const reports: AgentReport[] = [];
  const closed = Promise.withResolvers<string>();
  const handlers: AgentHandlers = {
    report: async (_seq, _at, report) => void reports.push(report),
    closed: closed.resolve,
  };
  const target = { instance: row.id, address: sshd.address, secret: new Secret('s'), resumeAfter: 0, jobs: [] };
  const signal = AbortSignal.timeout(60_000);
  const link = await connector.connect(target, handlers, signal);
  const reported = async <K extends AgentReport['kind']>(kind: K): Promise<Extract<AgentReport, { kind: K }>> => {
    for (;;) {
      const found = reports.find((report) => report.kind === kind || report.kind === 'job-ended');
      if (found?.kind === kind) return found as Extract<AgentReport, { kind: K }>; // just compared
      if (found !== undefined) assert.fail(JSON.stringify(found));
      signal.throwIfAborted();
      await sleep(5);
    }
  };

  assert.deepEqual(await link.missingBlobs([hash], signal), [hash]);
  await link.sendBlob(hash, signal);
  await link.submit(assignment, signal);
  await reported('job-ready');
  await link.start(assignment.job, { rank: 0, ips: ['127.0.0.1'], gpusPerNode: [0] }, signal);
  while (!reports.some(({ kind }) => kind === 'job-ended')) await sleep(5);
  const ended = await reported('job-ended');
  assert.equal(ended.exitStatus, 4);
  await link.logComplete(assignment.job, ended.logBytes, signal);
  assert.equal(await logs.size(assignment.job), Buffer.byteLength('copied\n'));
  const { artifacts } = ended;
  assert.ok(artifacts);
  await store.transaction(async (tables) => {
    await tables.jobs.insert(
      jobRow({
        id: assignment.job,
        projectId: project,
        artifacts: { ...artifacts, fetched: false },
        status: 'failed',
      }),
    );
  });
  await link.fetchArtifacts(assignment.job, assignment.run, signal);
  const brought = artifactPath(home, assignment.run, assignment.job);
  const copy = execFileSync('tar', ['-xzOf', brought, 'out/copy'], { maxBuffer: 10_000_000 });
  assert.ok(copy.equals(bytes));
  await link.remove(assignment.job, signal);
  link.close();
  await closed.promise;
});
