import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DockerClient, dockerSocketPath } from '@berth/agent/docker-client';
import { testAssignment } from '@berth/agent/testing/assignment';
import { requirePart, TEST_IMAGE } from '@berth/agent/testing/parts';
import { TEST_SECRET, TestServer } from '@berth/agent/testing/test-server';
import type { CreateRequest, ProcessStart } from '@berth/backend';
import type { InstanceId } from '@berth/core';
import { identify } from './process-identity.ts';
import { processStart } from './start-check.ts';
import { GPU_LESS, gpus, type LocalCloud, localCloud } from './testing/local-cloud.ts';

// The same claims as with a stand-in, where they depend on what the real agent does.

const AGENT = createRequire(import.meta.url).resolve('@berth/agent/main');

function withAgent(request: CreateRequest): CreateRequest {
  const { dir, socketPath } = processStart(request.agentStart);
  const agentStart: ProcessStart = {
    kind: 'process',
    argv: [process.execPath, AGENT, '--dir', dir, '--socket', socketPath, '--instance', request.instance],
    env: { BERTH_AGENT_SECRET: TEST_SECRET },
    socketPath,
    dir,
  };
  return { ...request, agentStart };
}

async function connected(request: CreateRequest): Promise<TestServer> {
  const server = new TestServer(request.instance);
  for (let attempt = 0; ; attempt++) {
    try {
      await server.connect({ socketPath: processStart(request.agentStart).socketPath });
      return server;
    } catch (error) {
      if (attempt === 400) throw error;
      await sleep(25);
    }
  }
}

/** A job of two processes, one of which has dropped its environment; both ignore the request to end. */
async function runningJob(server: TestServer): Promise<readonly number[]> {
  const commands = ['trap "" TERM', 'env -i sleep 60 & echo "pids $$ $!"', 'sleep 60'];
  const assignment = testAssignment({ commands });
  await server.begin(assignment);
  const line = await server.until(
    'the pids of the job',
    () => /pids (\d+) (\d+)/.exec(String(server.logOf(assignment.job))) ?? undefined,
  );
  return [Number(line[1]), Number(line[2])];
}

async function areGone(pids: readonly number[]): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    const alive = await Promise.all(pids.map(identify));
    if (alive.every((identity) => identity === null)) return true;
    await sleep(20);
  }
  return false;
}

const isListed = async (cloud: LocalCloud): Promise<boolean> =>
  (await cloud.backend.compute.list(cloud.call())).length > 0;

test('the agent knows what its instance has, and not what the whole machine has', async () => {
  await using cloud = await localCloud({ ...GPU_LESS, gpus: gpus(4) });
  const request = withAgent(cloud.request('a1', 'local-gpu-2'));
  const created = await cloud.backend.compute.create(request, cloud.call());
  const server = await connected(request);
  assert.deepEqual(server.link.agent.host.resources, created.resources);
  assert.equal(server.link.agent.host.resources.accelerators[0]?.count, 2);
  await cloud.backend.compute.terminate(cloud.ref('a1'), cloud.call());
});

test('terminate ends a job that does not want to end, with the agent', async () => {
  await using cloud = await localCloud();
  const request = withAgent(cloud.request('a1'));
  await cloud.backend.compute.create(request, cloud.call());
  const pids = await runningJob(await connected(request));
  const began = performance.now();
  await cloud.backend.compute.terminate(cloud.ref('a1'), cloud.call());
  assert.ok(performance.now() - began < 3_500);
  assert.ok(await areGone(pids));
  assert.equal(await isListed(cloud), false);
});

test('terminate ends a job whose agent was killed', { skip: process.platform !== 'linux' }, async () => {
  await using cloud = await localCloud();
  const request = withAgent(cloud.request('a1'));
  await cloud.backend.compute.create(request, cloud.call());
  const server = await connected(request);
  const pids = await runningJob(server);
  process.kill(server.link.agent.pid, 'SIGKILL');
  assert.ok(await areGone([server.link.agent.pid]));
  assert.ok((await Promise.all(pids.map(identify))).every((identity) => identity !== null));
  await cloud.backend.compute.terminate(cloud.ref('a1'), cloud.call());
  assert.ok(await areGone(pids));
  assert.equal(await isListed(cloud), false);
});

test('terminate removes a container whose agent was killed', async (t) => {
  if (!(await requirePart(t, 'docker'))) return;
  await using cloud = await localCloud();
  // Labels are by instance, and Docker may hold containers of other tests.
  const request = withAgent({ ...cloud.request('a1'), instance: `ilocal${process.pid}` as InstanceId });
  await cloud.backend.compute.create(request, cloud.call());
  const server = await connected(request);
  const assignment = testAssignment({ image: TEST_IMAGE, commands: ['sleep 60'] });
  await server.begin(assignment);
  const { container } = await server.eventOf(assignment.job, 'job-running');
  process.kill(server.link.agent.pid, 'SIGKILL');
  const docker = new DockerClient(dockerSocketPath(process.env));
  await docker.json(`/containers/${container}/json`);
  await cloud.backend.compute.terminate(cloud.ref('a1'), cloud.call());
  await assert.rejects(docker.json(`/containers/${container}/json`), /No such container/i);
  assert.equal(await isListed(cloud), false);
});

test('an agent that was killed is started again in its directory, and answers', async () => {
  await using cloud = await localCloud();
  const request = withAgent(cloud.request('a1'));
  await cloud.backend.compute.create(request, cloud.call());
  const { pid, bootId } = (await connected(request)).link.agent;
  process.kill(pid, 'SIGKILL');
  assert.ok(await areGone([pid]));
  await cloud.backend.compute.agent?.start(cloud.ref('a1'), processStart(request.agentStart), cloud.call());
  const again = (await connected(request)).link.agent;
  assert.notEqual(again.bootId, bootId);
  await cloud.backend.compute.terminate(cloud.ref('a1'), cloud.call());
});
