import type { PriceTable } from './price-table.ts';

/** Oracle's prices are the same in every commercial region. */
const everywhere = (price: number) => ({ 'us-ashburn-1': price, 'eu-frankfurt-1': price });

export const OCI: PriceTable = {
  backend: 'oci',
  source: 'Oracle Cloud Price List, Compute',
  asOf: '2025-06-30',
  countries: { 'us-ashburn-1': 'US', 'eu-frankfurt-1': 'DE' },
  rows: [
    ['BM.GPU.H100.8', '8×H100-80GB', 224, 2048, everywhere(80)],
    ['BM.GPU.A100-v2.8', '8×A100-80GB', 256, 2048, everywhere(32)],
    ['BM.GPU4.8', '8×A100-40GB', 128, 2048, everywhere(24.4)],
    ['VM.GPU.A10.1', '1×A10', 30, 240, everywhere(2)],
    ['VM.GPU.A10.2', '2×A10', 60, 480, everywhere(4)],
    ['BM.GPU.A10.4', '4×A10', 128, 1024, everywhere(8)],
    ['VM.GPU3.1', '1×V100-16GB', 12, 90, everywhere(2.95)],
    ['VM.GPU3.2', '2×V100-16GB', 24, 180, everywhere(5.9)],
    ['VM.GPU3.4', '4×V100-16GB', 48, 360, everywhere(11.8)],
    ['BM.GPU3.8', '8×V100-16GB', 104, 768, everywhere(23.6)],
    ['VM.GPU2.1', '1×P100-16GB', 24, 72, everywhere(1.275)],
    ['BM.GPU2.2', '2×P100-16GB', 56, 256, everywhere(2.55)],
    ['VM.Standard.E4.Flex-2ocpu-16gb', null, 4, 16, everywhere(0.074)],
    ['VM.Standard.E4.Flex-8ocpu-64gb', null, 16, 64, everywhere(0.296)],
  ],
};
