import type { TestContext } from 'node:test';
import { partIsHere } from '@berth/core/testing/parts';
import { DockerClient, dockerSocketPath } from '../docker-client.ts';
import { messageOf } from '../failure.ts';

/** An image that is on every machine where the part `docker` is: Debian's static busybox. */
export const TEST_IMAGE = 'berth-test/busybox:latest';

/** False: the test is skipped, or fails where the part was promised, see `partIsHere`. */
export async function requirePart(t: TestContext, part: 'docker'): Promise<boolean> {
  return partIsHere(t, part, await whyNoDocker());
}

async function whyNoDocker(): Promise<string | null> {
  try {
    const docker = new DockerClient(dockerSocketPath(process.env));
    await docker.json(`/images/${encodeURIComponent(TEST_IMAGE)}/json`, { timeoutMs: 5_000 });
    return null;
  } catch (error) {
    return `${messageOf(error)} (.ci/docker.sh starts an engine and makes the image ${TEST_IMAGE})`;
  }
}
