import { type GpuFindings, gpuDevice, type ReportedGpu } from './gpu.ts';
import type { Probe } from './probe.ts';

/** The order matters: a name may hold commas, so it stands between columns that cannot. */
const COLUMNS = 'index,uuid,name,memory.total';
const FORMAT = '--format=csv,noheader,nounits';

export interface NvidiaRow {
  readonly uuid: string;
  readonly name: string;
  /** Null: not reported (`[N/A]`), as for devices that share the host's memory. */
  readonly memoryMiB: number | null;
  readonly mig: boolean;
}

export interface NvidiaListing {
  readonly rows: readonly NvidiaRow[];
  /** Lines that are no device: errors of the driver, devices that fell off the bus. */
  readonly problems: readonly string[];
}

/** A part of a device that MIG mode cut off. It is what a job gets; the device as a whole is not usable then. */
export interface MigSlice {
  readonly parent: string;
  readonly uuid: string;
  /** `1g.10gb` */
  readonly profile: string;
}

/** Asks nvidia-smi. Absent: no devices and nothing to say. */
export async function findNvidia(probe: Probe, hostMemoryMiB: number, signal: AbortSignal): Promise<GpuFindings> {
  let outcome = await probe('nvidia-smi', [`--query-gpu=${COLUMNS},mig.mode.current`, FORMAT], signal);
  // Drivers before 450 have no MIG and refuse to be asked about it.
  if (outcome.kind === 'done' && /not a valid field/i.test(outcome.output)) {
    outcome = await probe('nvidia-smi', [`--query-gpu=${COLUMNS}`, FORMAT], signal);
  }
  if (outcome.kind === 'absent') return { devices: [], notes: [] };
  if (outcome.kind === 'late') return { devices: [], notes: ['nvidia-smi did not answer; its GPUs are not offered.'] };

  const { rows, problems } = parseNvidiaListing(outcome.output);
  const notes = problems.map((problem) => `nvidia-smi: ${problem}`);
  const slices = rows.some((row) => row.mig) ? await listMig(probe, signal) : [];
  const reported: ReportedGpu[] = [];
  for (const row of rows) {
    if (!row.mig) {
      reported.push({ id: row.uuid, vendor: 'nvidia', labels: [row.name], memoryMiB: row.memoryMiB });
      continue;
    }
    const own = slices.filter((slice) => slice.parent === row.uuid);
    if (own.length === 0) notes.push(`nvidia-smi: ${row.name} is in MIG mode and has no usable slices; not offered.`);
    for (const { uuid, profile } of own) {
      const memoryMiB = profileMemoryMiB(profile);
      reported.push({ id: uuid, vendor: 'nvidia', labels: [`${row.name} MIG ${profile}`], memoryMiB });
    }
  }
  return { devices: reported.map((gpu) => gpuDevice(gpu, hostMemoryMiB)), notes };
}

async function listMig(probe: Probe, signal: AbortSignal): Promise<readonly MigSlice[]> {
  const outcome = await probe('nvidia-smi', ['-L'], signal);
  return outcome.kind === 'done' ? parseMigListing(outcome.output) : [];
}

/** Reads the CSV of a query for `index,uuid,name,memory.total[,mig.mode.current]`, with or without header and units. */
export function parseNvidiaListing(output: string): NvidiaListing {
  const rows: NvidiaRow[] = [];
  const problems: string[] = [];
  for (const raw of output.split('\n')) {
    const line = raw.trim();
    if (line === '' || /^index,\s*uuid\b/i.test(line)) continue;
    const row = parseRow(line);
    if (row !== null) rows.push(row);
    else problems.push(line);
  }
  return { rows, problems };
}

function parseRow(line: string): NvidiaRow | null {
  const [index = '', uuid = '', ...rest] = line.split(',').map((field) => field.trim());
  if (!/^\d+$/.test(index) || !/^GPU-[0-9a-f-]+$/i.test(uuid) || rest.length < 2) return null;
  const last = rest.at(-1) ?? '';
  const hasMig = /^(enabled|disabled)$/i.test(last) || (rest.length > 2 && isUnreported(last) && isMemory(rest.at(-2)));
  const memory = (hasMig ? rest.at(-2) : last) ?? '';
  const name = rest.slice(0, hasMig ? -2 : -1).join(', ');
  // "[GPU is lost]", "[GPU requires reset]", "[Unknown Error]": it is listed, and it is not there.
  if (!isMemory(memory) || name === '' || name.startsWith('[')) return null;
  return {
    uuid,
    name,
    memoryMiB: isUnreported(memory) ? null : Number.parseInt(memory, 10),
    mig: /^enabled$/i.test(last),
  };
}

function isMemory(field: string | undefined): boolean {
  return field !== undefined && (/^\d+( MiB)?$/.test(field) || isUnreported(field));
}

function isUnreported(field: string): boolean {
  return /^\[?(n\/a|not supported|insufficient permissions)\]?$/i.test(field);
}

/** Reads `nvidia-smi -L`: every device, and indented below it its slices. */
export function parseMigListing(output: string): readonly MigSlice[] {
  const slices: MigSlice[] = [];
  let parent = '';
  for (const line of output.split('\n')) {
    const device = /^GPU\s+\d+:.*\(UUID:\s*(GPU-[0-9a-f-]+)\)/i.exec(line);
    if (device?.[1] !== undefined) parent = device[1];
    // Until driver 470 a slice's id was "MIG-<uuid of the device>/<instance>/<compute instance>".
    const slice = /^\s+MIG\s+(\S+)\s+Device\s+\d+:\s*\(UUID:\s*(MIG-[0-9a-z/-]+)\)/i.exec(line);
    if (slice?.[1] !== undefined && slice[2] !== undefined) slices.push({ parent, profile: slice[1], uuid: slice[2] });
  }
  return slices;
}

/** `1g.10gb`, `1g.10gb+me`, `1c.3g.20gb`: the part with "gb" is the memory. */
function profileMemoryMiB(profile: string): number | null {
  const size = /(\d+)gb/i.exec(profile)?.[1];
  return size === undefined ? null : Number(size) * 1024;
}
