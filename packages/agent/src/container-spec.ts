import { posix } from 'node:path';
import type { JobAssignment } from '@berth/core/job-spec';
import type { AcceleratorVendor } from '@berth/core/offer';

/** What the agent must know of an image. */
export interface ImageInfo {
  readonly user: string;
  readonly workingDir: string;
  /** Where it looks for programs; null: it does not say. */
  readonly searchPath: string | null;
}

export interface ContainerInputs {
  readonly assignment: JobAssignment;
  readonly instance: string;
  /** Null: the image's own entrypoint and command. */
  readonly argv: readonly string[] | null;
  readonly env: Readonly<Record<string, string>>;
  readonly workingDir: string;
  /** Mounts that exist on this machine. */
  readonly mounts: readonly { readonly instancePath: string; readonly path: string }[];
  readonly vendor: AcceleratorVendor | null;
  /** CPUs of this machine: Docker refuses a limit above it. */
  readonly cpus: number;
  /** Whether the engine has an init to put before the job. */
  readonly init: boolean;
}

const MIB = 1024 * 1024;
export const LABEL_INSTANCE = 'berth.instance';
export const LABEL_JOB = 'berth.job';

/** Where a job's code goes when its image names no working directory of its own. */
export const DEFAULT_BASE = '/workspace';
/** Of the job's container; inside it. */
export const HOSTFILE = '/berth/hostfile';

export function containerName(job: string): string {
  return `berth-${job}`;
}

/** The directory that relative paths count from: an image that names `/` means none in particular. */
export function baseDir(image: ImageInfo): string {
  return image.workingDir === '' || image.workingDir === '/' ? DEFAULT_BASE : posix.normalize(image.workingDir);
}

/** The body of Docker's `POST /containers/create`. */
export function containerSpec(inputs: ContainerInputs): Readonly<Record<string, unknown>> {
  const { assignment } = inputs;
  const { work } = assignment;
  const isBridge = assignment.network === 'bridge';
  return {
    Image: work.image,
    ...(inputs.argv === null ? {} : { Entrypoint: inputs.argv, Cmd: [] }),
    Env: Object.entries(inputs.env).map(([name, value]) => `${name}=${value}`),
    WorkingDir: inputs.workingDir,
    ...(work.user === null ? {} : { User: work.user }),
    Labels: { [LABEL_INSTANCE]: inputs.instance, [LABEL_JOB]: assignment.job },
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    ...(isBridge ? { ExposedPorts: Object.fromEntries(work.ports.map((port) => [`${port.container}/tcp`, {}])) } : {}),
    HostConfig: {
      ...limits(inputs),
      ...gpus(inputs),
      Privileged: work.privileged,
      NetworkMode: assignment.network,
      ...(isBridge ? { PortBindings: portBindings(work.ports) } : {}),
      Binds: inputs.mounts.map((mount) => `${mount.instancePath}:${mount.path}`),
      AutoRemove: false,
      // A shell as process 1 ignores SIGTERM and leaves zombies. An image's own entrypoint is left
      // alone: some must be process 1 themselves.
      Init: inputs.init && work.commands.length > 0,
      // Read only by an agent that was restarted; the live log comes from `attach`. One file, not
      // compressed, so that its bytes can be counted from the first.
      LogConfig: { Type: 'local', Config: { 'max-size': '1g', 'max-file': '1', compress: 'false' } },
    },
  };
}

function limits({ assignment, cpus }: ContainerInputs): Readonly<Record<string, number>> {
  const memory = assignment.limits.memoryMiB === null ? null : Math.floor(assignment.limits.memoryMiB * MIB);
  return {
    ...(assignment.limits.cpus === null ? {} : { NanoCpus: Math.round(Math.min(assignment.limits.cpus, cpus) * 1e9) }),
    // Swap equal to memory means: no swap beyond it.
    ...(memory === null ? {} : { Memory: memory, MemorySwap: memory }),
    ...(assignment.work.shmMiB === null ? {} : { ShmSize: Math.floor(assignment.work.shmMiB * MIB) }),
  };
}

function gpus({ assignment, vendor }: ContainerInputs): Readonly<Record<string, unknown>> {
  const devices = assignment.limits.gpuDevices;
  if (devices.length === 0) return {};
  if (vendor === 'amd') {
    const paths = ['/dev/kfd', '/dev/dri'];
    return {
      Devices: paths.map((path) => ({ PathOnHost: path, PathInContainer: path, CgroupPermissions: 'rwm' })),
      // The ROCm runtime needs ptrace-like calls that Docker's default profile denies.
      SecurityOpt: ['seccomp=unconfined'],
    };
  }
  return { DeviceRequests: [{ Driver: 'nvidia', DeviceIDs: devices, Capabilities: [['gpu']] }] };
}

/** Reachable from this machine alone; no local port means any that is free. */
function portBindings(ports: JobAssignment['work']['ports']): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    ports.map((port) => [
      `${port.container}/tcp`,
      [{ HostIp: '127.0.0.1', HostPort: port.local === null ? '' : String(port.local) }],
    ]),
  );
}
