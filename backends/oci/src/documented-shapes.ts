/**
 * Facts of Oracle's table of shapes that its estimator lacks or has wrong.
 * Source: https://docs.oracle.com/en-us/iaas/Content/Compute/References/computeshapes.htm, September 2026.
 */

export interface DocumentedShape {
  readonly ocpus: number;
  readonly memoryGiB: number;
}

/** The estimator has no CPUs and no memory for these; of GB200 it counts 128 of the 2 x 72 cores. */
export const DOCUMENTED_SHAPES: Readonly<Record<string, DocumentedShape>> = {
  'BM.GPU.GB200.4': { ocpus: 144, memoryGiB: 960 },
  'BM.GPU.GB300.4': { ocpus: 144, memoryGiB: 960 },
  'BM.GPU.B300.8': { ocpus: 128, memoryGiB: 4096 },
  'BM.GPU.RTXPRO.8': { ocpus: 144, memoryGiB: 3072 },
};

/**
 * Shapes of cluster networks: RDMA over converged Ethernet.
 * Source: https://docs.oracle.com/en-us/iaas/Content/Compute/Tasks/managingclusternetworks.htm
 */
const RDMA =
  /^BM\.(?:GPU4\.8|GPU\.(?:B4|A100-v2|H100|H200|B200|B300|GB200|GB300|MI300X|MI355X)\.\d+|HPC.*|Optimized3\.36)$/;

export function interconnectOf(shape: string): string | null {
  return RDMA.test(shape) ? 'RoCE' : null;
}

export interface Processor {
  readonly arch: 'x86' | 'arm';
  /** An OCPU is a core. x86 has two threads on one; A2 and later count two cores as one OCPU. */
  readonly vcpusPerOcpu: 1 | 2;
}

/**
 * By name: what the estimator calls the processor is wrong for some shapes with GPUs, and for Grace it
 * names the GPU (`blackwell`).
 */
export function processorOf(shape: string, processorType: string | null): Processor {
  if (/\.G[BH]\d+\./.test(shape)) return { arch: 'arm', vcpusPerOcpu: 1 };
  if (/\.A1\./.test(shape)) return { arch: 'arm', vcpusPerOcpu: 1 };
  if (/\.GPU\d?\./.test(shape)) return { arch: 'x86', vcpusPerOcpu: 2 };
  const ampereOne = /\.A\d+\./.test(shape) || processorType === 'arm';
  return { arch: ampereOne ? 'arm' : 'x86', vcpusPerOcpu: 2 };
}
