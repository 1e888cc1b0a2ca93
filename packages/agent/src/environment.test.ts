import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gpuVisibility, inheritedEnvironment, jobEnvironment, mpiHostfile } from './environment.ts';
import { testAssignment } from './testing/assignment.ts';

const CLUSTER = { rank: 1, ips: ['10.0.0.1', '10.0.0.2', '10.0.0.3'], gpusPerNode: [8, 4, 0] };
const PLACES = { workingDir: '/w', repoDir: '/r', mpiHostfile: '/h' };

describe("a job's environment", () => {
  it('has what peers decide under both names', () => {
    const env = jobEnvironment(testAssignment({}), CLUSTER, PLACES);
    const expected = {
      NODES_IPS: '10.0.0.1\n10.0.0.2\n10.0.0.3',
      MASTER_NODE_IP: '10.0.0.1',
      NODE_RANK: '1',
      NODES_NUM: '3',
      GPUS_PER_NODE: '4',
      GPUS_NUM: '12',
      MPI_HOSTFILE: '/h',
      WORKING_DIR: '/w',
      REPO_DIR: '/r',
    };
    for (const [name, value] of Object.entries(expected)) {
      assert.equal(env[`DSTACK_${name}`], value, name);
      assert.equal(env[`BERTH_${name}`], value, name);
    }
    assert.equal(Object.keys(env).length, 18);
  });

  it("lets the user's variables in, but not over the system's", () => {
    const assignment = testAssignment(
      { env: { MINE: '1', DSTACK_NODE_RANK: '9', DSTACK_RUN_NAME: 'x' } },
      { env: { DSTACK_RUN_NAME: 'real' } },
    );
    const env = jobEnvironment(assignment, CLUSTER, PLACES);
    assert.deepEqual([env.MINE, env.DSTACK_NODE_RANK, env.DSTACK_RUN_NAME], ['1', '1', 'real']);
  });

  it('inherits from the agent what a login has, and no secret', () => {
    const agent = {
      PATH: '/bin',
      HOME: '/h',
      LC_ALL: 'C',
      LANG: 'C',
      TZ: 'UTC',
      SHELL: '/bin/sh',
      USER: 'u',
      LOGNAME: 'u',
      TMPDIR: '/t',
      AWS_SECRET_ACCESS_KEY: 'x',
      NODE_OPTIONS: '--x',
      BERTH_AGENT_SECRET: 's',
      LD_PRELOAD: 'y',
    };
    const env = inheritedEnvironment(agent, '/opt/node/bin/node');
    assert.deepEqual(Object.keys(env).sort(), [
      'HOME',
      'LANG',
      'LC_ALL',
      'LOGNAME',
      'PATH',
      'SHELL',
      'TMPDIR',
      'TZ',
      'USER',
    ]);
    assert.equal(env.PATH, '/bin:/opt/node/bin');
  });
});

describe('the MPI host file', () => {
  it('names a slot for each GPU, and one where there is none', () =>
    assert.equal(mpiHostfile(CLUSTER), '10.0.0.1 slots=8\n10.0.0.2 slots=4\n10.0.0.3 slots=1\n'));
});

describe('GPUs', () => {
  it('are shown to the job that has them', () => {
    assert.deepEqual(gpuVisibility(['1', '3'], 'nvidia'), {
      CUDA_VISIBLE_DEVICES: '1,3',
      NVIDIA_VISIBLE_DEVICES: '1,3',
    });
    assert.deepEqual(gpuVisibility(['0'], 'amd'), { ROCR_VISIBLE_DEVICES: '0' });
  });
  it('are hidden from a job without any, where there are some', () => {
    assert.deepEqual(gpuVisibility([], 'nvidia'), { CUDA_VISIBLE_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'void' });
    assert.deepEqual(gpuVisibility([], null), {});
  });
});
