import assert from 'node:assert/strict';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WorkSpec } from '@berth/core/job-spec';
import { testAssignment } from './testing/assignment.ts';
import { requirePart, TEST_IMAGE } from './testing/parts.ts';
import { TestAgent } from './testing/test-agent.ts';

const MIB = 1024 * 1024;
const NOTICE = /\n\[berth: (\d+) bytes of the log are missing here: .*\]\n/;

/** What was lost by the notice, and how much of `x` lies before it, with the rest of the log after it. */
function taken(log: string): { readonly kept: number; readonly lost: number; readonly tail: string } {
  const found = NOTICE.exec(log);
  assert.ok(found !== null, log.slice(-200));
  const before = log.slice(0, found.index);
  assert.match(before, /^x*$/);
  return { kept: before.length, lost: Number(found[1]), tail: log.slice(found.index + found[0].length) };
}

describe('while the server is away, and as much of a log waits as may', () => {
  it('the job goes on and ends, and the log says how many bytes are missing', async (t) => {
    const agent = await TestAgent.start(t, { args: ['--log-spool-mib', '1', '--log-patience-ms', '500'] });
    const server = await agent.connect();
    const done = join(agent.root, 'done');
    const assignment = testAssignment({
      commands: [`sleep 0.3; head -c ${8 * MIB} /dev/zero | tr "\\0" x; touch ${done}`],
    });
    await server.begin(assignment);
    server.link.close();
    while (
      !(await access(done).then(
        () => true,
        () => false,
      ))
    )
      await sleep(50);
    await sleep(300);
    await agent.connect(server);
    const ended = await server.end(assignment.job);
    assert.deepEqual([ended.reason, ended.exitStatus], ['exited', 0]);
    const { kept, lost, tail } = taken(server.logOf(assignment.job).toString());
    assert.ok(kept >= MIB && kept < 3 * MIB, `${kept} bytes were kept`);
    assert.equal(kept + lost, 8 * MIB);
    assert.equal(tail, '');
    assert.equal(server.problems(assignment.job)[0]?.code, 'spool-failed');
    assert.deepEqual(server.faults, []);
  });

  it("a container's log goes on after what is missing, also by an agent that was restarted", async (t) => {
    if (!(await requirePart(t, 'docker'))) return;
    const agent = await TestAgent.start(t, { args: ['--log-spool-mib', '1', '--log-patience-ms', '500'] });
    const server = await agent.connect();
    const work: Partial<WorkSpec> = {
      image: TEST_IMAGE,
      mounts: [{ instancePath: agent.root, path: '/mnt', optional: false }],
      commands: [
        `sleep 0.3; head -c ${8 * MIB} /dev/zero | tr "\\0" x; touch /mnt/done`,
        'until [ -e /mnt/go ]; do sleep 0.1; done; echo first',
        'until [ -e /mnt/on ]; do sleep 0.1; done; echo second',
      ],
    };
    const assignment = testAssignment(work);
    const { job } = assignment;
    const mark = async (name: string): Promise<void> => {
      await writeFile(join(agent.root, name), '');
    };
    await server.begin(assignment);
    server.link.close();
    while (
      !(await access(join(agent.root, 'done')).then(
        () => true,
        () => false,
      ))
    )
      await sleep(50);
    await sleep(500);
    await agent.connect(server);
    await mark('go');
    await server.until('the next line', () => server.logOf(job).toString().endsWith('first\n'));
    await agent.kill();
    await mark('on');
    await agent.spawn();
    await agent.connect(server);
    const ended = await server.end(job);
    assert.deepEqual([ended.reason, ended.exitStatus], ['exited', 0]);
    const { kept, lost, tail } = taken(server.logOf(job).toString());
    assert.equal(kept + lost, 8 * MIB);
    assert.equal(tail, 'first\nsecond\n');
    assert.deepEqual(server.faults, []);
  });
});
