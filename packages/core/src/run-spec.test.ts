// biome-ignore-all lint/suspicious/noTemplateCurlyInString: `${{ … }}` is the language under test
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckedFleet, CheckedTask } from './configuration.ts';
import type { FleetSpec } from './fleet-spec.ts';
import type { RunSpec } from './job-spec.ts';
import { type ParseConfigurationOptions, parseConfiguration } from './parse-configuration.ts';
import { LONGEST_STOP_MS, toFleetSpec, toRunSpec } from './run-spec.ts';

/** Files as people write them for dstack, and what each means here. */

const GB = 1024;
const ANY = { min: 0, max: null };

function runOf(text: string, options: Partial<ParseConfigurationOptions> = {}): RunSpec {
  const checked = parseConfiguration(text, { file: '.dstack.yml', ...options });
  assert.equal(checked.type, 'task');
  return toRunSpec(checked as CheckedTask, { name: checked.name ?? 'made-up-1', code: null, files: [] });
}

function fleetOf(text: string): FleetSpec {
  const checked = parseConfiguration(text, { file: 'fleet.yml' });
  assert.equal(checked.type, 'fleet');
  return toFleetSpec(checked as CheckedFleet, { name: checked.name ?? 'made-up-1' });
}

test('the smallest task runs anywhere that it fits, once, as a process', () => {
  assert.deepEqual(runOf('type: task\ncommands:\n  - echo hello\n'), {
    name: 'made-up-1',
    type: 'task',
    configuration: { type: 'task', commands: ['echo hello'] },
    nodes: 1,
    startupOrder: 'any',
    stopCriteria: 'all-done',
    retry: null,
    requirements: {
      cpu: { min: 1, max: null },
      cpuArch: null,
      memoryMiB: ANY,
      diskMiB: null,
      shmMiB: null,
      gpu: null,
      capacityTypes: ['on-demand'],
      maxPricePerHour: null,
      backends: null,
      regions: null,
      zones: null,
      instanceTypes: null,
    },
    creationPolicy: 'reuse-or-create',
    idleDurationMs: 300_000,
    fleets: null,
    priority: 0,
    tags: {},
    work: {
      image: null,
      registryAuth: null,
      entrypoint: null,
      commands: ['echo hello'],
      shell: '/bin/bash',
      env: {},
      user: null,
      workingDir: null,
      privileged: false,
      shmMiB: null,
      ports: [],
      mounts: [],
      maxDurationMs: null,
      stopDurationMs: 300_000,
      code: null,
      files: [],
      artifacts: [],
    },
  });
});

test('fine-tuning on one big GPU', () => {
  const run = runOf(
    `
type: task
name: sft-qwen
image: pytorch/pytorch:2.5.1-cuda12.4-cudnn9-runtime
env:
  - HF_TOKEN
  - WANDB_PROJECT=sft
commands:
  - pip install -r requirements.txt
  - |
    python sft.py \\
      --model Qwen/Qwen2.5-7B \\
      --bf16
ports:
  - 6006
resources:
  gpu: 80GB
  shm_size: 24GB
max_duration: 1d
spot_policy: auto
max_price: 4.5
`,
    { environment: { HF_TOKEN: 'hf_x' } },
  );
  assert.equal(run.name, 'sft-qwen');
  assert.deepEqual(run.work.env, { HF_TOKEN: 'hf_x', WANDB_PROJECT: 'sft' });
  assert.equal(run.work.commands[1], 'python sft.py \\\n  --model Qwen/Qwen2.5-7B \\\n  --bf16\n');
  assert.equal(run.work.shell, '/bin/sh');
  assert.deepEqual(run.work.ports, [{ container: 6006, local: 6006 }]);
  assert.equal(run.work.maxDurationMs, 86_400_000);
  assert.equal(run.work.shmMiB, 24 * GB);
  assert.deepEqual(run.requirements.capacityTypes, ['on-demand', 'spot']);
  assert.equal(run.requirements.maxPricePerHour, 4.5);
  assert.deepEqual(run.requirements.gpu, {
    vendor: null,
    names: null,
    count: { min: 1, max: 1 },
    memoryMiB: { min: 80 * GB, max: 80 * GB },
    totalMemoryMiB: null,
    computeCapability: null,
  });
});

test('distributed training on two nodes that stop with the master', () => {
  const run = runOf(`
type: task
name: ddp
nodes: 2
image: pytorch/pytorch:2.5.1-cuda12.4-cudnn9-devel
commands:
  - torchrun --nnodes=$DSTACK_NODES_NUM --node-rank=$DSTACK_NODE_RANK --master-addr=$DSTACK_MASTER_NODE_IP train.py
resources:
  gpu: H100:8
  cpu: 96..
  memory: 512GB..
  disk: 1TB..
startup_order: workers-first
stop_criteria: master-done
fleets: [research, burst]
`);
  assert.equal(run.nodes, 2);
  assert.equal(run.startupOrder, 'workers-first');
  assert.equal(run.stopCriteria, 'master-done');
  assert.deepEqual(run.fleets, ['research', 'burst']);
  assert.deepEqual(run.requirements.gpu?.names, ['H100']);
  assert.deepEqual(run.requirements.gpu?.count, { min: 8, max: 8 });
  assert.deepEqual(run.requirements.memoryMiB, { min: 512 * GB, max: null });
  assert.deepEqual(run.requirements.diskMiB, { min: 1024 * GB, max: null });
  assert.match(run.work.commands[0] ?? '', /\$DSTACK_MASTER_NODE_IP/);
});

test('a private image with secrets, as another user', () => {
  const run = runOf(
    `
type: task
image: registry.example.com/team/train:7
registry_auth:
  username: \${{ env.REGISTRY_USER }}
  password: \${{ secrets.registry_password }}
env:
  REGISTRY_USER: robot
  API_KEY: \${{ secrets.api_key }}
  VERSION: 1.10
  DEBUG: true
user: 1000:1000
entrypoint: /usr/bin/tini -s --
privileged: on
commands: [./run.sh]
`,
  );
  assert.deepEqual(run.work.registryAuth, { username: 'robot', password: '${{ secrets.registry_password }}' });
  assert.deepEqual(run.work.env, {
    REGISTRY_USER: 'robot',
    API_KEY: '${{ secrets.api_key }}',
    VERSION: '1.10',
    DEBUG: 'true',
  });
  assert.equal(run.work.user, '1000:1000');
  assert.deepEqual(run.work.entrypoint, ['/usr/bin/tini', '-s', '--']);
  assert.equal(run.work.privileged, true);
});

test('a parameter sweep with arguments, retried on spot machines', () => {
  const run = runOf(
    `
type: task
name: sweep
image: python:3.12-slim
commands:
  - python sweep.py \${{ run.args }}
  - echo '$\${{ not a reference }}'
spot_policy: spot
retry:
  on_events: [no-capacity, interruption]
  duration: 12h
regions: [eu-west-1, eu-north-1]
backends: [aws]
availability_zones: []
instance_types:
  - c7i.large
priority: 80
tags:
  team: research
  build: 1.20
`,
    { args: ['--lr', '0.1', '--note', "it's"] },
  );
  assert.deepEqual(run.work.commands, [`python sweep.py --lr 0.1 --note 'it'"'"'s'`, "echo '${{ not a reference }}'"]);
  assert.deepEqual(run.retry, { onEvents: ['no-capacity', 'interruption'], durationMs: 43_200_000 });
  assert.deepEqual(run.requirements.capacityTypes, ['spot']);
  assert.deepEqual(run.requirements.regions, ['eu-west-1', 'eu-north-1']);
  assert.deepEqual(run.requirements.backends, ['aws']);
  assert.equal(run.requirements.zones, null);
  assert.deepEqual(run.requirements.instanceTypes, ['c7i.large']);
  assert.equal(run.priority, 80);
  assert.deepEqual(run.tags, { team: 'research', build: '1.20' });
});

test('a task that prepares data with mounts, files and a repo', () => {
  const checked = parseConfiguration(
    `
type: task
name: prepare
image: ubuntu:24.04
repos:
  - .:/code
files:
  - ~/.netrc
  - ../shared/labels.csv:/data/labels.csv
volumes:
  - /mnt/scratch:/scratch
  - instance_path: /mnt/cache
    path: /cache
    optional: true
working_dir: /code
shell: bash
commands: [make data]
artifacts: [out/data, report.html]
single_branch: true
`,
    { file: '.dstack.yml' },
  ) as CheckedTask;
  assert.deepEqual(checked.fields.repos?.[0]?.path, '/code');
  assert.deepEqual(checked.fields.files?.[1], { localPath: '../shared/labels.csv', path: '/data/labels.csv' });
  const code = { kind: 'tar', blob: 'b' as never, bytes: 1, path: '/code', ifExists: 'error' } as const;
  const run = toRunSpec(checked, { name: 'prepare', code, files: [] });
  assert.equal(run.work.code, code);
  assert.equal(run.work.workingDir, '/code');
  assert.equal(run.work.shell, 'bash');
  assert.deepEqual(run.work.mounts, [
    { instancePath: '/mnt/scratch', path: '/scratch', optional: false },
    { instancePath: '/mnt/cache', path: '/cache', optional: true },
  ]);
  assert.deepEqual(run.work.artifacts, ['out/data', 'report.html']);
});

test('limits that are switched off, in each spelling', () => {
  const run = runOf('type: task\ncommands: [sleep 1]\nmax_duration: off\nidle_duration: -1\nstop_duration: false\n');
  assert.equal(run.work.maxDurationMs, null);
  assert.equal(run.idleDurationMs, null);
  assert.equal(run.work.stopDurationMs, LONGEST_STOP_MS);
  const zero = runOf('type: task\ncommands: [sleep 1]\nidle_duration: 0\nstop_duration: 30\ncreation_policy: reuse\n');
  assert.equal(zero.idleDurationMs, 0);
  assert.equal(zero.work.stopDurationMs, 30_000);
  assert.equal(zero.creationPolicy, 'reuse');
});

test('retry: true means every event for an hour, and a map fills in what it leaves out', () => {
  const all = { onEvents: ['no-capacity', 'interruption', 'error'], durationMs: 3_600_000 };
  const retryOf = (value: string): unknown => runOf(`type: task\ncommands: [a]\nretry: ${value}\n`).retry;
  assert.deepEqual(retryOf('true'), all);
  assert.deepEqual(retryOf('yes'), all);
  assert.deepEqual(retryOf('{}'), all);
  assert.deepEqual(retryOf('{on_events: [error]}'), { onEvents: ['error'], durationMs: 3_600_000 });
  assert.deepEqual(retryOf('{duration: 30m}'), { ...all, durationMs: 1_800_000 });
  assert.equal(retryOf('false'), null);
  assert.equal(retryOf('null'), null);
});

test('every form of the resource grammar', () => {
  const requirementsOf = (resources: string) =>
    runOf(`type: task\ncommands: [a]\nresources: ${resources}\n`).requirements;
  assert.deepEqual(requirementsOf('{cpu: 4, memory: 16}').cpu, { min: 4, max: 4 });
  assert.deepEqual(requirementsOf('{cpu: 4, memory: 16}').memoryMiB, { min: 16 * GB, max: 16 * GB });
  const arm = requirementsOf('{cpu: "arm:8..", disk: {size: 50GB..100GB}}');
  assert.deepEqual([arm.cpuArch, arm.cpu], ['arm', { min: 8, max: null }]);
  assert.deepEqual(arm.diskMiB, { min: 50 * GB, max: 100 * GB });
  const maps = requirementsOf('{cpu: {arch: x86, count: {min: 2, max: 8}}, memory: {min: 8GB}, disk: {max: 1TB}}');
  assert.deepEqual([maps.cpuArch, maps.cpu, maps.memoryMiB], ['x86', { min: 2, max: 8 }, { min: 8 * GB, max: null }]);
  assert.deepEqual(maps.diskMiB, { min: null, max: 1024 * GB });
  assert.deepEqual(requirementsOf('{cpu: {min: 2, max: 4}}').cpu, { min: 2, max: 4 });
  assert.deepEqual(requirementsOf('{gpu: 2}').gpu?.count, { min: 2, max: 2 });
  assert.deepEqual(requirementsOf('{gpu: 0}').gpu?.count, { min: 0, max: 0 });
  assert.equal(requirementsOf('{gpu: null, cpu: null}').gpu, null);
  const gpu = requirementsOf(
    '{gpu: {vendor: NVIDIA, name: [A100, H100], count: 1..4, memory: 40GB.., total_memory: 160GB.., compute_capability: 8.0}}',
  ).gpu;
  assert.deepEqual(gpu, {
    vendor: 'nvidia',
    names: ['A100', 'H100'],
    count: { min: 1, max: 4 },
    memoryMiB: { min: 40 * GB, max: null },
    totalMemoryMiB: { min: 160 * GB, max: null },
    computeCapability: [8, 0],
  });
  assert.deepEqual(requirementsOf('{gpu: {name: A100}}').gpu?.count, { min: 1, max: 1 });
  // Memory in total says that there may be several.
  assert.deepEqual(requirementsOf('{gpu: {total_memory: 160GB..}}').gpu?.count, { min: 1, max: null });
});

test('a fleet that is kept warm', () => {
  assert.deepEqual(
    fleetOf(`
type: fleet
name: research
nodes: 1..4
placement: cluster
resources:
  gpu: A100:80GB:8
  disk: 500GB..
backends: [aws, gcp]
spot_policy: auto
max_price: 20
idle_duration: 30m
tags: {team: ml}
blocks: 1
`),
    {
      name: 'research',
      configuration: {
        type: 'fleet',
        name: 'research',
        nodes: '1..4',
        placement: 'cluster',
        resources: { gpu: 'A100:80GB:8', disk: '500GB..' },
        backends: ['aws', 'gcp'],
        spot_policy: 'auto',
        max_price: 20,
        idle_duration: '30m',
        tags: { team: 'ml' },
        blocks: 1,
      },
      nodes: { min: 1, target: 1, max: 4 },
      placement: 'cluster',
      requirements: {
        cpu: { min: 1, max: null },
        cpuArch: null,
        memoryMiB: ANY,
        diskMiB: { min: 500 * GB, max: null },
        shmMiB: null,
        gpu: {
          vendor: 'nvidia',
          names: ['A100'],
          count: { min: 8, max: 8 },
          memoryMiB: { min: 80 * GB, max: 80 * GB },
          totalMemoryMiB: null,
          computeCapability: null,
        },
        capacityTypes: ['on-demand', 'spot'],
        maxPricePerHour: 20,
        backends: ['aws', 'gcp'],
        regions: null,
        zones: null,
        instanceTypes: null,
      },
      idleDurationMs: 1_800_000,
      tags: { team: 'ml' },
    },
  );
});

test('the nodes of a fleet in every form; idle machines are kept three days by default', () => {
  const nodesOf = (value: string): unknown => fleetOf(`type: fleet\nnodes: ${value}\n`).nodes;
  assert.deepEqual(nodesOf('2'), { min: 2, target: 2, max: 2 });
  assert.deepEqual(nodesOf('0..4'), { min: 0, target: 0, max: 4 });
  assert.deepEqual(nodesOf('1..'), { min: 1, target: 1, max: null });
  assert.deepEqual(nodesOf('..3'), { min: 0, target: 0, max: 3 });
  assert.deepEqual(nodesOf('{min: 1, target: 2, max: 4}'), { min: 1, target: 2, max: 4 });
  assert.deepEqual(nodesOf('{target: 2}'), { min: 0, target: 2, max: null });
  const fleet = fleetOf('type: fleet\nnodes: 0..1\n');
  assert.equal(fleet.idleDurationMs, 259_200_000);
  assert.equal(fleet.placement, 'any');
  assert.deepEqual(fleet.requirements.capacityTypes, ['on-demand']);
});
