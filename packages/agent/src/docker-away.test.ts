import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { dockerSocketPath } from './docker-client.ts';
import { testAssignment } from './testing/assignment.ts';
import { requirePart, TEST_IMAGE } from './testing/parts.ts';
import { SocketProxy } from './testing/socket-proxy.ts';
import { TestAgent } from './testing/test-agent.ts';

const LINES = 3_000;
const CHATTY = `i=0; while [ $i -lt ${LINES} ]; do echo "line $i"; i=$((i+1)); [ $((i%20)) = 0 ] && sleep 0.01; done`;
const LOG = Array.from({ length: LINES }, (_, i) => `line ${i}\n`).join('');

describe('Docker that goes away while a container runs', () => {
  async function withProxy(t: TestContext): Promise<{ readonly proxy: SocketProxy; readonly agent: TestAgent } | null> {
    if (!(await requirePart(t, 'docker'))) return null;
    const dir = await mkdtemp(join(tmpdir(), 'berth-proxy-'));
    const proxy = new SocketProxy(join(dir, 'docker.sock'), dockerSocketPath(process.env));
    await proxy.open();
    t.after(async () => {
      proxy.close();
      await rm(dir, { recursive: true });
    });
    const agent = await TestAgent.start(t, { env: { DOCKER_HOST: `unix://${proxy.path}` } });
    return { proxy, agent };
  }

  it('is told, and when it is back the log has no gap and no repeat', async (t) => {
    const made = await withProxy(t);
    if (made === null) return;
    const server = await made.agent.connect();
    const assignment = testAssignment({ image: TEST_IMAGE, commands: [CHATTY, 'exit 5'] });
    await server.begin(assignment);
    for (const bytes of [1_000, 10_000]) {
      await server.until('some of the log', () => server.logBytes(assignment.job) > bytes);
      made.proxy.close();
      await sleep(700);
      await made.proxy.open();
    }
    const ended = await server.end(assignment.job);
    assert.deepEqual([ended.reason, ended.exitStatus, ended.message], ['exited', 5, '']);
    assert.equal(server.logOf(assignment.job).toString(), LOG);
    assert.deepEqual(server.faults, []);
    assert.equal(server.problems(assignment.job)[0]?.code, 'docker-away');
  });

  it('does not forget that a job was to be stopped', async (t) => {
    const made = await withProxy(t);
    if (made === null) return;
    const server = await made.agent.connect();
    const assignment = testAssignment({ image: TEST_IMAGE, commands: ['echo up; sleep 500'] });
    await server.begin(assignment);
    await server.until('it is up', () => server.logBytes(assignment.job) > 0);
    made.proxy.close();
    await server.link.request('job.stop', { job: assignment.job, graceMs: 20_000 });
    await sleep(300);
    await made.proxy.open();
    assert.equal((await server.end(assignment.job, 15_000)).reason, 'stopped');
  });
});
