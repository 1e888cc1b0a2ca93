/** For tests: what a server could answer. */
import type { CatalogGpuView, CatalogOfferView, CatalogSourceView, MarketView } from '@berth/core/api-catalog';
import type { InstanceView, JobView, OfferView, RunPlanView, RunView } from '@berth/core/api-schemas';

export function jobView(over: Partial<JobView> = {}): JobView {
  return {
    id: 'job-1',
    replica: 0,
    node: 0,
    submission: 0,
    status: 'running',
    end_reason: null,
    message: null,
    progress: null,
    exit_status: null,
    signal: null,
    instance: null,
    price_per_hour: 1.5,
    cost: 0.02,
    submitted_at: 1_000,
    started_at: 2_000,
    finished_at: null,
    log_bytes: null,
    artifacts: null,
    ...over,
  };
}

export function runView(over: Partial<RunView> = {}): RunView {
  return {
    id: 'run-1',
    name: 'my-run',
    project: 'main',
    user: 'ada',
    type: 'task',
    status: 'running',
    end_reason: null,
    message: null,
    nodes: 1,
    price_per_hour: 1.5,
    cost: 0.02,
    submitted_at: 1_000,
    started_at: 2_000,
    finished_at: null,
    next_attempt_at: null,
    exit_status: null,
    configuration: {},
    version: 1,
    jobs: [jobView()],
    ...over,
  };
}

export function doneRun(over: Partial<RunView> = {}, job: Partial<JobView> = {}): RunView {
  const ended = jobView({
    status: 'done',
    end_reason: 'exited',
    exit_status: 0,
    finished_at: 5_000,
    log_bytes: 0,
    ...job,
  });
  return runView({
    status: 'done',
    end_reason: 'all-jobs-done',
    exit_status: 0,
    finished_at: 5_200,
    version: 9,
    jobs: [ended],
    ...over,
  });
}

export function offerView(over: Partial<OfferView> = {}): OfferView {
  return {
    id: 'aws/eu-1/-/p5/on-demand',
    backend: 'aws',
    region: 'eu-1',
    zone: null,
    instance_type: 'p5.48xlarge',
    capacity_type: 'on-demand',
    price_per_hour: 98.32,
    availability: 'available',
    resources: {
      cpus: 192,
      cpu_arch: 'x86',
      memory_mib: 2 * 1024 * 1024,
      disk_mib: 100 * 1024,
      accelerators: [{ name: 'H100', vendor: 'nvidia', count: 8, memory_mib: 80 * 1024 }],
    },
    ...over,
  };
}

export function instanceView(over: Partial<InstanceView> = {}): InstanceView {
  return {
    id: 'instance-1',
    name: 'my-fleet-0',
    fleet: null,
    status: 'idle',
    unreachable: false,
    stuck: null,
    out_of_reach: null,
    end_reason: null,
    message: null,
    backend: 'local',
    region: 'here',
    zone: null,
    instance_type: 'local',
    capacity_type: 'on-demand',
    price_per_hour: 0,
    cost: 0,
    resources: { cpus: 8, cpu_arch: 'x86', memory_mib: 16 * 1024, disk_mib: 100 * 1024, accelerators: [] },
    runs: [],
    created_at: 1_000,
    idle_since: 2_000,
    terminated_at: null,
    ...over,
  };
}

export function planView(over: Partial<RunPlanView> = {}): RunPlanView {
  return {
    name: 'my-run',
    action: 'create',
    current: null,
    changes: [],
    nodes: 1,
    offers: { offers: [offerView()], total: 1, sources: [], misfits: [] },
    idle_instances: [],
    price_per_hour: 98.32,
    configuration: { type: 'task', commands: ['true'] },
    ...over,
  };
}

export function catalogOfferView(over: Partial<CatalogOfferView> = {}): CatalogOfferView {
  return {
    id: 'aws/eu-1/eu-1a/p5.48xlarge/on-demand/H100:80GB:8',
    backend: 'aws',
    instance_type: 'p5.48xlarge',
    region: 'eu-1',
    zone: 'eu-1a',
    country: 'IE',
    capacity_type: 'on-demand',
    price_per_hour: 98.32,
    price_per_gpu: 12.29,
    cpus: 192,
    cpu_arch: 'x86',
    memory_mib: 2 * 1024 * 1024,
    disk_mib: null,
    accelerator: { name: 'H100', vendor: 'nvidia', known: true, count: 8, memory_mib: 80 * 1024, form_factor: 'SXM' },
    interconnect: 'EFA',
    network_gbps: 3200,
    flags: [],
    availability: 'available',
    source: 'aws',
    collected_at: 1_000,
    ...over,
  };
}

export function sourceView(over: Partial<CatalogSourceView> = {}): CatalogSourceView {
  return {
    source: 'aws',
    kind: 'offline',
    state: 'fresh',
    offers: 1,
    version: null,
    collected_at: 1_000,
    reason: null,
    ...over,
  };
}

export function marketView(over: Partial<MarketView> = {}): MarketView {
  return { offers: [], total: 0, next: null, sources: [], obstacles: [], groups: null, configured: [], ...over };
}

export function gpuView(over: Partial<CatalogGpuView> = {}): CatalogGpuView {
  return {
    name: 'H100',
    vendor: 'nvidia',
    architecture: 'Hopper',
    memory_mib: [80 * 1024],
    backends: ['aws', 'gcp'],
    regions: 12,
    offers: 40,
    on_demand_from: 2,
    spot_from: 1.5,
    ...over,
  };
}
