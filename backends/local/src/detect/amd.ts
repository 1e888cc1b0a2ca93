import { type GpuDevice, type GpuFindings, gpuDevice } from './gpu.ts';
import type { Probe, ProbeOutcome } from './probe.ts';

/** One device as either of AMD's tools tells of it. */
export interface AmdGpu {
  /** The tool's own number. */
  readonly index: number;
  /** Its node in the kernel's topology. The runtime (HIP, ROCr) numbers devices in this order, the tools do not. */
  readonly node: number | null;
  readonly labels: readonly string[];
  readonly memoryMiB: number | null;
}

/**
 * A device that the registry does not know and that has less is the graphics part of a CPU: it is
 * listed by the tools, and nobody who asks for a GPU means it.
 */
const SMALLEST_UNKNOWN_MIB = 4096;

/** Asks amd-smi, and where that is absent or says nothing, its predecessor rocm-smi. */
export async function findAmd(probe: Probe, hostMemoryMiB: number, signal: AbortSignal): Promise<GpuFindings> {
  const modern = await probe('amd-smi', ['static', '--asic', '--vram', '--json'], signal);
  let gpus = modern.kind === 'done' ? parseAmdSmi(modern.output) : null;
  if (gpus !== null && gpus.length > 0) {
    const listing = await probe('amd-smi', ['list', '--json'], signal);
    if (listing.kind === 'done') gpus = withNodes(gpus, parseAmdSmiNodes(listing.output));
    return findings(gpus, hostMemoryMiB);
  }
  const legacy = await probe('rocm-smi', ['--showproductname', '--showmeminfo', 'vram', '--json'], signal);
  gpus = legacy.kind === 'done' ? parseRocmSmi(legacy.output) : null;
  if (gpus !== null) return findings(gpus, hostMemoryMiB);
  const notes = [problemOf('amd-smi', modern), problemOf('rocm-smi', legacy)].filter((note) => note !== null);
  return { devices: [], notes };
}

function findings(gpus: readonly AmdGpu[], hostMemoryMiB: number): GpuFindings {
  const ordered = gpus.every((gpu) => gpu.node !== null)
    ? [...gpus].sort((a, b) => (a.node ?? 0) - (b.node ?? 0))
    : [...gpus].sort((a, b) => a.index - b.index);
  const devices = ordered.map(({ labels, memoryMiB }, position): GpuDevice => {
    return gpuDevice({ id: String(position), vendor: 'amd', labels, memoryMiB }, hostMemoryMiB);
  });
  const usable = devices.filter((device) => device.known || device.memoryMiB >= SMALLEST_UNKNOWN_MIB);
  const notes = devices
    .filter((device) => !usable.includes(device))
    .map(
      ({ name, memoryMiB }) => `AMD ${name} with ${memoryMiB} MiB is taken for the graphics of the CPU; not offered.`,
    );
  return { devices: usable, notes };
}

/** Reads `amd-smi static --asic --vram --json`; null: that is no listing. */
export function parseAmdSmi(output: string): readonly AmdGpu[] | null {
  const entries = entriesOf(parseJson(output));
  return (
    entries?.map((entry, position) => {
      const asic = recordOf(entry.asic);
      const size = recordOf(entry.vram).size;
      return {
        index: numberOf(entry.gpu) ?? position,
        node: null,
        labels: labelsOf([asic.market_name, asic.device_id]),
        memoryMiB: sizeMiB(size),
      };
    }) ?? null
  );
}

/** Reads `amd-smi list --json`: the topology node of every device, by the tool's number. */
export function parseAmdSmiNodes(output: string): ReadonlyMap<number, number> {
  const nodes = new Map<number, number>();
  for (const entry of entriesOf(parseJson(output)) ?? []) {
    const gpu = numberOf(entry.gpu);
    const node = numberOf(entry.node_id);
    if (gpu !== null && node !== null) nodes.set(gpu, node);
  }
  return nodes;
}

function withNodes(gpus: readonly AmdGpu[], nodes: ReadonlyMap<number, number>): readonly AmdGpu[] {
  return gpus.map((gpu) => ({ ...gpu, node: nodes.get(gpu.index) ?? null }));
}

/** Reads `rocm-smi --showproductname --showmeminfo vram --json`; null: that is no listing. */
export function parseRocmSmi(output: string): readonly AmdGpu[] | null {
  const document = parseJson(output);
  if (!isRecord(document)) return null;
  const gpus: AmdGpu[] = [];
  for (const [card, value] of Object.entries(document)) {
    const index = /^card(\d+)$/i.exec(card)?.[1];
    if (index === undefined) continue; // "system" holds the driver's version
    // The capitals of the keys change between releases.
    const fields = new Map(Object.entries(recordOf(value)).map(([key, field]) => [key.toLowerCase(), field]));
    const bytes = numberOf(fields.get('vram total memory (b)'));
    gpus.push({
      index: Number(index),
      node: numberOf(fields.get('node id')),
      labels: labelsOf(['card series', 'device name', 'card model', 'device id'].map((key) => fields.get(key))),
      memoryMiB: bytes === null ? null : Math.round(bytes / 2 ** 20),
    });
  }
  return gpus.length > 0 ? gpus : null;
}

/** The listing is an array, or lies under `gpu_data`, depending on the release. */
function entriesOf(document: unknown): readonly Readonly<Record<string, unknown>>[] | null {
  const list = isRecord(document) ? document.gpu_data : document;
  return Array.isArray(list) ? list.filter(isRecord) : null;
}

/** The tools write warnings before, and errors after, their JSON. */
function parseJson(output: string): unknown {
  const start = output.search(/^\s*[[{]/m);
  const end = Math.max(output.lastIndexOf('}'), output.lastIndexOf(']'));
  if (start === -1 || end < start) return null;
  try {
    return JSON.parse(output.slice(start, end + 1));
  } catch {
    return null;
  }
}

/** `{ value: 196592, unit: "MB" }`, or "196592 MB" in older releases. AMD's MB are 2^20 bytes. */
function sizeMiB(size: unknown): number | null {
  const [, value, unit] = isRecord(size)
    ? [null, String(size.value), String(size.unit)]
    : (/^([\d.]+)\s*([KMGT]?B)$/i.exec(String(size).trim()) ?? []);
  const number = numberOf(value);
  if (number === null) return null;
  const factor = { B: 2 ** -20, KB: 2 ** -10, MB: 1, GB: 2 ** 10, TB: 2 ** 20 }[(unit ?? 'MB').toUpperCase()];
  return factor === undefined ? null : Math.round(number * factor);
}

function labelsOf(values: readonly unknown[]): readonly string[] {
  return values.filter((value) => typeof value === 'string' && value !== '' && value !== 'N/A').map(String);
}

function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : null;
}

function problemOf(program: string, outcome: ProbeOutcome): string | null {
  if (outcome.kind === 'absent') return null;
  if (outcome.kind === 'late') return `${program} did not answer; its GPUs are not offered.`;
  const first = outcome.output.split('\n').find((line) => line.trim() !== '') ?? 'it said nothing';
  return `${program}: ${first.trim()}`;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
