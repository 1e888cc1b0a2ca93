import type { PriceRow, PriceTable } from './price-table.ts';

/** Secure cloud. Prices are per device and the same in every data center; one stands for all. */
function pods(id: string, label: string, vcpus: number, memoryGiB: number, price: number): PriceRow[] {
  return [1, 2, 4, 8].map((count) => [
    id,
    `${count}×${label}`,
    vcpus * count,
    memoryGiB * count,
    { 'US-TX-3': Number((price * count).toFixed(2)) },
  ]);
}

export const RUNPOD: PriceTable = {
  backend: 'runpod',
  source: 'RunPod pricing, Secure Cloud',
  asOf: '2025-06-30',
  countries: { 'US-TX-3': 'US' },
  rows: [
    ...pods('NVIDIA H200', 'H200-SXM', 20, 141, 3.99),
    ...pods('NVIDIA H100 80GB HBM3', 'H100-80GB-SXM', 20, 80, 2.99),
    ...pods('NVIDIA H100 PCIe', 'H100-80GB-PCIe', 16, 80, 2.39),
    ...pods('NVIDIA A100-SXM4-80GB', 'A100-80GB-SXM', 16, 80, 1.89),
    ...pods('NVIDIA A100 80GB PCIe', 'A100-80GB-PCIe', 8, 80, 1.64),
    ...pods('NVIDIA L40', 'L40', 16, 48, 1.14),
    ...pods('NVIDIA L4', 'L4', 4, 24, 0.44),
  ],
};
