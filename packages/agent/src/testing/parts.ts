import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { DockerClient, dockerSocketPath } from '../docker-client.ts';
import { messageOf } from '../failure.ts';

/** Real things that some tests need and that not every machine has. */
export type Part = 'docker' | 'ssh';

/** An image that is on every machine where the part `docker` is: Debian's static busybox. */
export const TEST_IMAGE = 'berth-test/busybox:latest';

/** OpenSSH's server wants to be started by its whole path. */
export const SSHD = '/usr/sbin/sshd';

const CHECKS: Readonly<Record<Part, () => Promise<string | null>>> = {
  docker: whyNoDocker,
  ssh: async () => (existsSync(SSHD) ? null : `there is no ${SSHD} (.ci/ssh.sh installs it)`),
};

/**
 * True: the part is here, so the test may go on. Otherwise the test is skipped with a line that says
 * what is missing, or, where BERTH_TEST_PARTS (a comma-separated list) names the part, fails.
 */
export async function requirePart(t: TestContext, part: Part): Promise<boolean> {
  const problem = await CHECKS[part]();
  if (problem === null) return true;
  const message = `needs ${part}: ${problem}`;
  const promised = (process.env.BERTH_TEST_PARTS ?? '').split(',').map((name) => name.trim());
  if (promised.includes(part)) throw new Error(`BERTH_TEST_PARTS promises it, but the test ${message}`);
  t.skip(message);
  return false;
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
