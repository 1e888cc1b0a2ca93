import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WorkSpec } from '@berth/core/job-spec';
import { baseDir, type ContainerInputs, containerSpec } from './container-spec.ts';
import { splitReference } from './docker-image.ts';
import { testAssignment } from './testing/assignment.ts';

type Rest = Parameters<typeof testAssignment>[1];

function spec(work: Partial<WorkSpec>, rest: Rest = {}, inputs: Partial<ContainerInputs> = {}) {
  const made = containerSpec({
    assignment: testAssignment({ image: 'img', ...work }, rest),
    instance: 'i1',
    argv: null,
    env: {},
    workingDir: '',
    mounts: [],
    vendor: null,
    cpus: 8,
    init: true,
    ...inputs,
  });
  return made as { readonly HostConfig: Readonly<Record<string, unknown>> } & typeof made;
}

describe('a container', () => {
  it('gets its limits, with no swap beyond its memory', () => {
    const { HostConfig: host } = spec({ shmMiB: 64 }, { limits: { cpus: 1.5, memoryMiB: 100 } });
    assert.equal(host.NanoCpus, 1_500_000_000);
    assert.equal(host.Memory, 100 * 1024 * 1024);
    assert.equal(host.MemorySwap, host.Memory);
    assert.equal(host.ShmSize, 64 * 1024 * 1024);
  });

  it('without limits has none', () => {
    const { HostConfig: host } = spec({});
    for (const name of ['NanoCpus', 'Memory', 'MemorySwap', 'ShmSize', 'DeviceRequests', 'Devices']) {
      assert.ok(!(name in host), name);
    }
  });

  it('never asks for more CPUs than there are, which Docker would refuse', () =>
    assert.equal(spec({}, { limits: { cpus: 64 } }).HostConfig.NanoCpus, 8e9));

  it('gets its GPUs by name from NVIDIA and as devices from AMD', () => {
    const gpuDevices = ['GPU-1', 'GPU-2'];
    assert.deepEqual(spec({}, { limits: { gpuDevices } }, { vendor: 'nvidia' }).HostConfig.DeviceRequests, [
      { Driver: 'nvidia', DeviceIDs: gpuDevices, Capabilities: [['gpu']] },
    ]);
    const amd = spec({}, { limits: { gpuDevices } }, { vendor: 'amd' }).HostConfig.Devices;
    assert.deepEqual(
      (amd as { PathOnHost: string }[]).map((device) => device.PathOnHost),
      ['/dev/kfd', '/dev/dri'],
    );
  });

  it('publishes its ports on this machine alone, on a network of its own', () => {
    const ports = [
      { container: 8080, local: null },
      { container: 80, local: 8000 },
    ];
    const made = spec({ ports }, { network: 'bridge' });
    assert.deepEqual(made.HostConfig.PortBindings, {
      '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }],
      '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8000' }],
    });
    assert.ok(!('PortBindings' in spec({ ports }, { network: 'host' }).HostConfig));
  });

  it("has an init before a shell, not before an image's own entrypoint", () => {
    assert.equal(spec({ commands: ['x'] }).HostConfig.Init, true);
    assert.equal(spec({}).HostConfig.Init, false);
  });

  it('is named by labels and never removes itself', () => {
    const made = spec({});
    assert.equal((made.Labels as Record<string, string>)['berth.instance'], 'i1');
    assert.equal(made.HostConfig.AutoRemove, false);
  });
});

describe('an image', () => {
  it('without a working directory of its own leaves the root alone', () => {
    assert.equal(baseDir({ user: '', workingDir: '', searchPath: null }), '/workspace');
    assert.equal(baseDir({ user: '', workingDir: '/', searchPath: null }), '/workspace');
    assert.equal(baseDir({ user: '', workingDir: '/app/', searchPath: null }), '/app/');
  });

  const references: readonly (readonly [string, string, string])[] = [
    ['ubuntu', 'ubuntu', 'latest'],
    ['ubuntu:24.04', 'ubuntu', '24.04'],
    ['localhost:5000/a/b', 'localhost:5000/a/b', 'latest'],
    ['localhost:5000/a/b:v1', 'localhost:5000/a/b', 'v1'],
    ['a/b@sha256:0123', 'a/b@sha256:0123', ''],
  ];
  for (const [image, fromImage, tag] of references) {
    it(`${image} is asked for by name and tag`, () => assert.deepEqual(splitReference(image), { fromImage, tag }));
  }
});
