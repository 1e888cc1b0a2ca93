import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { WorkSpec } from '@berth/core/job-spec';
import { DockerClient } from './docker-client.ts';
import { ensureImage } from './docker-image.ts';
import { JobFailure } from './failure.ts';
import { testAssignment } from './testing/assignment.ts';

/** An engine that has no image until it was pulled, and pulls as the test says. */
async function fakeEngine(
  t: TestContext,
  pull: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<DockerClient> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-engine-'));
  const path = join(dir, 'docker.sock');
  let present = false;
  const engine = createServer((request, response) => {
    if (request.method === 'POST') {
      pull(request, response);
      present = true;
    } else if (present) {
      response.end('{"Config":{"User":"app","WorkingDir":"/app","Env":["A=1","PATH=/x"]}}');
    } else {
      response.writeHead(404).end('{"message":"No such image"}');
    }
  });
  engine.listen(path);
  await once(engine, 'listening');
  t.after(async () => {
    engine.closeAllConnections();
    engine.close();
    await rm(dir, { recursive: true });
  });
  return new DockerClient(path);
}

const work = (change: Partial<WorkSpec> = {}): WorkSpec =>
  testAssignment({ image: 'registry.test/a/b:1', ...change }).work;
const never = new AbortController().signal;

describe('an image that is not there', () => {
  it('is pulled by name and tag with its password, and tells how far it is', async (t) => {
    const seen: string[] = [];
    const docker = await fakeEngine(t, (request, response) => {
      seen.push(String(request.url), Buffer.from(String(request.headers['x-registry-auth']), 'base64url').toString());
      const line = (id: string, current: number) =>
        `${JSON.stringify({ status: 'Downloading', id, progressDetail: { current, total: 100 } })}\n`;
      response.write(line('a', 50) + line('b', 0).slice(0, 20));
      setTimeout(() => response.end(`${line('b', 0).slice(20)}{"status":"Pull complete","id":"a"}`), 50);
    });
    const steps: (number | null)[] = [];
    const auth = { username: 'me', password: 'hunter2' };
    const info = await ensureImage(docker, work({ registryAuth: auth }), (_step, part) => steps.push(part), never);
    assert.deepEqual(info, { user: 'app', workingDir: '/app', searchPath: '/x' });
    assert.equal(seen[0], '/images/create?fromImage=registry.test%2Fa%2Fb&tag=1');
    assert.deepEqual(JSON.parse(seen[1] ?? ''), auth);
    assert.deepEqual(steps, [null, 0.5]);
  });

  it('and cannot be pulled is an image error with what the registry said, and no password', async (t) => {
    const docker = await fakeEngine(t, (_request, response) => {
      response.end('{"status":"Pulling"}\n{"error":"pull access denied for a/b"}\n');
    });
    const failing = ensureImage(
      docker,
      work({ registryAuth: { username: 'me', password: 'hunter2' } }),
      () => undefined,
      never,
    );
    await assert.rejects(failing, (error) => {
      assert.ok(error instanceof JobFailure && error.reason === 'image-error');
      assert.match(error.message, /registry\.test\/a\/b:1 .*pull access denied.*registry_auth/);
      assert.doesNotMatch(error.message, /hunter2/);
      return true;
    });
  });

  it('is let go of when the job is to be stopped', async (t) => {
    const docker = await fakeEngine(t, (_request, response) => void response.write('{"status":"Pulling"}\n'));
    const stopping = new AbortController();
    const pulling = ensureImage(docker, work(), () => stopping.abort(), stopping.signal);
    await assert.rejects(pulling, (error) => !(error instanceof JobFailure));
  });

  it('from an engine that answers nonsense is an image error', async (t) => {
    const docker = await fakeEngine(t, (_request, response) => void response.writeHead(500).end('<html>'));
    await assert.rejects(
      ensureImage(docker, work(), () => undefined, never),
      JobFailure,
    );
  });
});
