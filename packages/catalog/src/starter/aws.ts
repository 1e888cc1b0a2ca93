import type { PriceTable } from './price-table.ts';

/** The same price in the three large regions of the United States. */
const us = (price: number) => ({ 'us-east-1': price, 'us-east-2': price, 'us-west-2': price });
const east = (price: number, dublin: number) => ({ 'us-east-1': price, 'us-west-2': price, 'eu-west-1': dublin });

export const AWS: PriceTable = {
  backend: 'aws',
  source: 'Amazon EC2 On-Demand Pricing, Linux',
  asOf: '2025-11-30',
  countries: { 'us-east-1': 'US', 'us-east-2': 'US', 'us-west-2': 'US', 'eu-west-1': 'IE' },
  rows: [
    ['p6-b300.48xlarge', '8×B300', 192, 4096, { 'us-west-2': 142.416 }],
    ['p6-b200.48xlarge', '8×B200', 192, 2048, us(113.9328)],
    ['p5en.48xlarge', '8×H200', 192, 2048, us(63.296)],
    ['p5.48xlarge', '8×H100-80GB', 192, 2048, us(55.04)],
    ['p5.4xlarge', '1×H100-80GB', 16, 256, us(6.88)],
    ['p4de.24xlarge', '8×A100-80GB', 96, 1152, { 'us-east-1': 27.44705, 'us-west-2': 27.44705 }],
    ['p4d.24xlarge', '8×A100-40GB', 96, 1152, east(21.95764, 23.71569)],
    ['p3.2xlarge', '1×V100-16GB', 8, 61, east(3.06, 3.305)],
    ['p3.8xlarge', '4×V100-16GB', 32, 244, east(12.24, 13.22)],
    ['p3.16xlarge', '8×V100-16GB', 64, 488, east(24.48, 26.44)],
    ['p3dn.24xlarge', '8×V100-32GB', 96, 768, east(31.212, 33.711)],
    ['g6e.xlarge', '1×L40S', 4, 32, us(1.861)],
    ['g6e.4xlarge', '1×L40S', 16, 128, us(3.00424)],
    ['g6e.12xlarge', '4×L40S', 48, 384, us(10.49264)],
    ['g6e.48xlarge', '8×L40S', 192, 1536, us(30.13118)],
    ['g6.xlarge', '1×L4', 4, 16, us(0.8048)],
    ['g6.4xlarge', '1×L4', 16, 64, us(1.3232)],
    ['g6.12xlarge', '4×L4', 48, 192, us(4.6016)],
    ['g6.48xlarge', '8×L4', 192, 768, us(13.3504)],
    ['g5.xlarge', '1×A10G', 4, 16, east(1.006, 1.123)],
    ['g5.4xlarge', '1×A10G', 16, 64, east(1.624, 1.81287)],
    ['g5.12xlarge', '4×A10G', 48, 192, east(5.672, 6.33167)],
    ['g5.48xlarge', '8×A10G', 192, 768, east(16.288, 18.18233)],
    ['g4dn.xlarge', '1×T4', 4, 16, east(0.526, 0.587)],
    ['g4dn.4xlarge', '1×T4', 16, 64, east(1.204, 1.342)],
    ['g4dn.12xlarge', '4×T4', 48, 192, east(3.912, 4.362)],
    ['g4dn.metal', '8×T4', 96, 384, east(7.824, 8.724)],
    ['inf2.xlarge', '1×Inferentia2', 4, 16, east(0.7582, 0.94775)],
    ['inf2.48xlarge', '12×Inferentia2', 192, 768, east(12.98127, 16.22658)],
    ['trn1.2xlarge', '1×Trainium', 8, 32, us(1.34375)],
    ['trn1.32xlarge', '16×Trainium', 128, 512, us(21.5)],
    ['m5.large', null, 2, 8, { 'us-east-1': 0.096 }],
    ['m5.xlarge', null, 4, 16, { 'us-east-1': 0.192 }],
    ['r6i.xlarge', null, 4, 32, { 'us-east-1': 0.252 }],
  ],
};
