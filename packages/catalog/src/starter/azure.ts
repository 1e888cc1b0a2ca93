import type { PriceTable } from './price-table.ts';

const east = (price: number) => ({ eastus: price, eastus2: price });
const south = (price: number, texas: number) => ({ ...east(price), southcentralus: texas });

export const AZURE: PriceTable = {
  backend: 'azure',
  source: 'Azure Retail Prices, Virtual Machines, Linux, Consumption',
  asOf: '2025-06-30',
  countries: { eastus: 'US', eastus2: 'US', southcentralus: 'US', westus2: 'US' },
  rows: [
    ['Standard_ND96isr_H100_v5', '8×H100-80GB', 96, 1900, east(98.32)],
    ['Standard_ND96amsr_A100_v4', '8×A100-80GB', 96, 1900, south(32.77, 39.324)],
    ['Standard_ND96asr_v4', '8×A100-40GB', 96, 900, { eastus: 27.197, westus2: 27.197, southcentralus: 32.63 }],
    ['Standard_ND40rs_v2', '8×V100-32GB', 40, 672, { eastus: 22.032, westus2: 22.032, southcentralus: 26.438 }],
    ['Standard_NC40ads_H100_v5', '1×H100NVL', 40, 320, south(6.98, 8.38)],
    ['Standard_NC80adis_H100_v5', '2×H100NVL', 80, 640, south(13.96, 16.76)],
    ['Standard_NC24ads_A100_v4', '1×A100-80GB', 24, 220, south(3.673, 4.408)],
    ['Standard_NC48ads_A100_v4', '2×A100-80GB', 48, 440, south(7.346, 8.815)],
    ['Standard_NC96ads_A100_v4', '4×A100-80GB', 96, 880, south(14.692, 17.63)],
    ['Standard_NC6s_v3', '1×V100-16GB', 6, 112, south(3.06, 3.366)],
    ['Standard_NC12s_v3', '2×V100-16GB', 12, 224, south(6.12, 6.732)],
    ['Standard_NC24s_v3', '4×V100-16GB', 24, 448, south(12.24, 13.464)],
    ['Standard_NC4as_T4_v3', '1×T4', 4, 28, south(0.526, 0.631)],
    ['Standard_NC8as_T4_v3', '1×T4', 8, 56, south(0.752, 0.902)],
    ['Standard_NC16as_T4_v3', '1×T4', 16, 110, south(1.204, 1.445)],
    ['Standard_NC64as_T4_v3', '4×T4', 64, 440, south(4.352, 5.222)],
    ['Standard_NV36ads_A10_v5', '1×A10', 36, 440, south(3.2, 3.84)],
    ['Standard_NV72ads_A10_v5', '2×A10', 72, 880, south(6.52, 7.824)],
    ['Standard_E32s_v5', null, 32, 256, { eastus: 2.016, eastus2: 2.016, southcentralus: 2.419 }],
    ['Standard_E32as_v5', null, 32, 256, { eastus: 1.808, eastus2: 1.808, southcentralus: 2.17 }],
    ['Standard_E32ps_v5', null, 32, 208, { eastus: 1.613, eastus2: 1.613, southcentralus: 1.935 }],
  ],
};
