import type { PriceTable } from './price-table.ts';

/** The same price in every region. */
const everywhere = (price: number) => ({ 'us-east-1': price, 'us-west-1': price });

export const LAMBDA: PriceTable = {
  backend: 'lambda',
  source: 'Lambda, GPU Cloud pricing, on-demand instances',
  asOf: '2025-06-30',
  countries: { 'us-east-1': 'US', 'us-west-1': 'US' },
  rows: [
    ['gpu_1x_h100_sxm5', '1×H100-80GB-SXM', 26, 225, everywhere(3.29)],
    ['gpu_2x_h100_sxm5', '2×H100-80GB-SXM', 52, 450, everywhere(6.38)],
    ['gpu_4x_h100_sxm5', '4×H100-80GB-SXM', 104, 900, everywhere(12.36)],
    ['gpu_8x_h100_sxm5', '8×H100-80GB-SXM', 208, 1800, everywhere(23.92)],
    ['gpu_1x_gh200', '1×GH200-96GB', 64, 432, everywhere(1.49)],
    ['gpu_1x_a100_sxm4', '1×A100-40GB-SXM', 30, 200, everywhere(1.29)],
    ['gpu_1x_a100', '1×A100-40GB', 30, 200, everywhere(1.29)],
    ['gpu_2x_a100', '2×A100-40GB', 60, 400, everywhere(2.58)],
    ['gpu_4x_a100', '4×A100-40GB', 120, 800, everywhere(5.16)],
    ['gpu_8x_a100', '8×A100-40GB', 124, 1800, everywhere(10.32)],
    ['gpu_1x_a6000', '1×A6000', 14, 100, everywhere(0.8)],
    ['gpu_2x_a6000', '2×A6000', 28, 200, everywhere(1.6)],
    ['gpu_4x_a6000', '4×A6000', 56, 400, everywhere(3.2)],
    ['gpu_1x_a10', '1×A10', 30, 200, everywhere(0.75)],
    ['gpu_8x_v100', '8×V100-16GB', 92, 448, everywhere(4.4)],
  ],
};
