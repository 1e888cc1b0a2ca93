import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProcess } from './process-table.ts';
import { testAssignment } from './testing/assignment.ts';
import { TestAgent } from './testing/test-agent.ts';

it('a job on a full disk waits for the server, is not killed, and loses nothing', async (t) => {
  const disk = await mkdtemp(join(tmpdir(), 'berth-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'berth-test', disk], { stdio: 'pipe' });
  } catch {
    await rmdir(disk);
    t.skip('needs the right to mount a tmpfs');
    return;
  }
  t.after(async () => {
    execFileSync('umount', ['-l', disk]);
    await rmdir(disk);
  });
  const agent = await TestAgent.start(t, { under: disk });
  const server = await agent.connect();
  const lines = 400_000;
  const assignment = testAssignment({
    commands: [`yes "a line of the job with the full disk" | head -n ${lines}`, 'exit 3'],
  });
  await server.begin(assignment);
  const { pid } = await server.eventOf(assignment.job, 'job-running');
  server.link.close();
  // 15 MB are more than the disk and the agent's memory for it hold.
  await sleep(2_000);
  assert.notEqual(findProcess(pid ?? 0), null, 'the job waits');
  await agent.connect(server);
  const ended = await server.end(assignment.job);
  assert.deepEqual([ended.reason, ended.exitStatus], ['exited', 3]);
  assert.ok(server.logOf(assignment.job).equals(Buffer.from('a line of the job with the full disk\n'.repeat(lines))));
  const codes = server.problems(assignment.job).map((problem) => problem.code);
  assert.ok(codes.includes('disk-full') && codes.length <= 2, codes.join());
  assert.deepEqual(server.faults, []);
  // The next job finds room again.
  await server.link.request('job.remove', { job: assignment.job });
  assert.equal((await server.run(testAssignment({ commands: ['true'] }))).exitStatus, 0);
  server.link.close();
});
