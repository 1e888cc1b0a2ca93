import type { PriceTable } from './price-table.ts';

const central = (price: number) => ({ 'us-central1': price, 'us-east1': price, 'us-west1': price });

/** Sums of GPUs, vCPUs and memory, as the cloud bills them. Local SSDs that belong to a type are not in it. */
export const GCP: PriceTable = {
  backend: 'gcp',
  source: 'Google Cloud, VM instance pricing and GPU pricing',
  asOf: '2025-06-30',
  countries: { 'us-central1': 'US', 'us-east1': 'US', 'us-east4': 'US', 'us-west1': 'US' },
  rows: [
    ['a3-highgpu-8g', '8×H100-80GB', 208, 1872, { 'us-east4': 87.83246 }],
    ['a2-highgpu-1g', '1×A100-40GB', 12, 85, central(3.67339)],
    ['a2-highgpu-2g', '2×A100-40GB', 24, 170, central(7.34677)],
    ['a2-highgpu-4g', '4×A100-40GB', 48, 340, central(14.69354)],
    ['a2-highgpu-8g', '8×A100-40GB', 96, 680, central(29.38708)],
    ['a2-megagpu-16g', '16×A100-40GB', 96, 1360, { 'us-central1': 55.73951 }],
    ['g2-standard-4', '1×L4', 4, 16, { 'us-central1': 0.70683 }],
    ['t2d-standard-8', null, 8, 32, central(0.33797)],
    ['t2a-standard-4', null, 4, 16, { 'us-central1': 0.154 }],
    ['t2a-standard-16', null, 16, 64, { 'us-central1': 0.616 }],
    ['n4-highcpu-4', null, 4, 8, central(0.15993)],
    ['n4-standard-8', null, 8, 32, central(0.37909)],
    ['n4-standard-80', null, 80, 320, central(3.79088)],
  ],
};
