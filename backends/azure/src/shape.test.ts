import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOffers } from '@berth/catalog/integrity';
import { normalizeOffer } from '@berth/catalog/normalize';
import azure from './index.ts';
import { shapeOf } from './shape.ts';
import { parseSkuName } from './sku-name.ts';

function shape(armSkuName: string) {
  const read = shapeOf(armSkuName);
  assert.ok('shape' in read, `${armSkuName}: ${'problem' in read ? read.problem : ''}`);
  return read.shape;
}

test('a name is taken apart as the naming rules put it together', () => {
  assert.deepEqual(parseSkuName('Standard_NC40ADS_H100_v5'), {
    family: 'NC',
    number: 40,
    constrained: null,
    features: 'ads',
    parts: ['H100'],
    version: 5,
  });
  assert.deepEqual(parseSkuName('Standard_M416s_10_v2')?.parts, ['10']);
  assert.equal(parseSkuName('Standard_DS14-8_v2_Promo')?.constrained, 8);
  assert.equal(parseSkuName('Standard_D2')?.version, 1);
  assert.equal(parseSkuName('Basic_A1'), null);
  assert.equal(parseSkuName('Dsv3 Type1'), null);
});

// vCPUs and GiB as Azure tells them, in its list of resource SKUs or on the pages of the series.
const CPU_SIZES: readonly (readonly [name: string, cpus: number, gib: number])[] = [
  ['Standard_A2m_v2', 2, 16],
  ['Standard_A8_v2', 8, 16],
  ['Standard_B1ls', 1, 0.5],
  ['Standard_B20ms', 20, 80],
  ['Standard_B2s', 2, 4],
  ['Standard_B16als_v2', 16, 32],
  ['Standard_B32as_v2', 32, 128],
  ['Standard_B2ts_v2', 2, 1],
  ['Standard_D2s_v3', 2, 8],
  ['Standard_D96ads_v5', 96, 384],
  ['Standard_D160ads_v7', 160, 640],
  ['Standard_D16plds_v5', 16, 32],
  ['Standard_DS2_v2', 2, 7],
  ['Standard_DS4_v2', 8, 28],
  ['Standard_DS14-8_v2', 8, 112],
  ['Standard_D1', 1, 3.5],
  ['Standard_DC8_v2', 8, 32],
  ['Standard_DC4s_v3', 4, 32],
  ['Standard_DC96as_v5', 96, 384],
  ['Standard_E64_v3', 64, 432],
  ['Standard_E64-16s_v4', 16, 504],
  ['Standard_E64as_v4', 64, 512],
  ['Standard_E96-24as_v5', 24, 672],
  ['Standard_E104ids_v5', 104, 672],
  ['Standard_E112ibds_v5', 112, 672],
  ['Standard_E32pds_v5', 32, 208],
  ['Standard_E96s_v6', 96, 768],
  ['Standard_E96as_v6', 96, 672],
  ['Standard_E96ps_v6', 96, 672],
  ['Standard_E128-64ds_v6', 64, 1024],
  ['Standard_E192is_v6', 192, 1832],
  ['Standard_E160as_v7', 160, 1280],
  ['Standard_EC32as_cc_v5', 32, 192],
  ['Standard_EC32ads_v6', 32, 256],
  ['Standard_EC128ieds_v5', 128, 768],
  ['Standard_F72s_v2', 72, 144],
  ['Standard_F16', 16, 32],
  ['Standard_F64as_v6', 64, 256],
  ['Standard_F32als_v6', 32, 64],
  ['Standard_F80amds_v7', 80, 640],
  ['Standard_FX96-48mds_v2', 48, 1832],
  ['Standard_FX36mds', 36, 756],
  ['Standard_G5', 32, 448],
  ['Standard_GS5-8', 8, 448],
  ['Standard_HB120-16rs_v3', 16, 456],
  ['Standard_HB176rs_v4', 176, 768],
  ['Standard_HB368rs_v5', 368, 448],
  ['Standard_HC44rs', 44, 352],
  ['Standard_HX176rs', 176, 1408],
  ['Standard_L80s_v2', 80, 640],
  ['Standard_L12aos_v4', 12, 96],
  ['Standard_M8-2ms', 2, 218.75],
  ['Standard_M32ts', 32, 192],
  ['Standard_M128', 128, 2048],
  ['Standard_M192idms_v2', 192, 4096],
  ['Standard_M416s_10_v2', 416, 9496],
  ['Standard_M48ds_1_v3', 48, 974],
  ['Standard_M176-88bds_4_v3', 88, 3892],
  ['Standard_M416bs_v3', 416, 3800],
  ['Standard_M832ids_16_v3', 832, 15_200],
];

test('vCPUs and memory of general sizes follow from their names', () => {
  for (const [name, cpus, gib] of CPU_SIZES) {
    const { cpus: foundCpus, memoryMiB, accelerator } = shape(name);
    assert.deepEqual([foundCpus, memoryMiB, accelerator], [cpus, gib * 1024, null], name);
  }
});

test('what does not follow from the name is not guessed', () => {
  for (const name of ['Standard_E372s_v7', 'Standard_A5', 'Standard_H16r', 'Standard_M7s_v9', 'Standard_B9x']) {
    assert.deepEqual(shapeOf(name), { problem: 'its memory does not follow from its name' }, name);
  }
  assert.deepEqual(shapeOf('Standard_NM16ads_MA35D'), {
    problem: 'it has accelerators, and its series is not among those that are known',
  });
  assert.ok('problem' in shapeOf('Standard_ND97isr_H100_v5'));
});

test('p in the features is an Arm processor, and in the family it is not', () => {
  assert.equal(shape('Standard_D2ps_v5').cpuArch, 'arm');
  assert.equal(shape('Standard_B2pls_v2').cpuArch, 'arm');
  assert.equal(shape('Standard_D2s_v5').cpuArch, 'x86');
});

// gpuhunt has none of the first six.
const GPU_SIZES: readonly (readonly [name: string, cpus: number, gib: number, id: string, count: number])[] = [
  ['Standard_ND96isr_H100_v5', 96, 1900, 'H100:80GB', 8],
  ['Standard_ND96is_flex_H100_v5', 96, 1900, 'H100:80GB', 8],
  ['Standard_ND96isr_MI300X_v5', 96, 1850, 'MI300X:192GB', 8],
  ['Standard_ND128isr_NDR_GB200_v6', 128, 864, 'GB200:186GB', 4],
  ['Standard_ND128isr_GB300_v6', 128, 864, 'GB300:278GB', 4],
  ['Standard_NG32adms_V620_v1', 32, 176, 'V620:32GB', 1],
  ['Standard_NG8ads_V620_v1', 8, 16, 'V620:32GB', 1 / 4],
  ['Standard_ND96isr_H200_v5', 96, 1850, 'H200:141GB', 8],
  ['Standard_NC40ads_H100_v5', 40, 320, 'H100NVL:94GB', 1],
  ['Standard_NCC40ads_H100_v5', 40, 320, 'H100NVL:94GB', 1],
  ['Standard_NC80adis_H100_v5', 80, 640, 'H100NVL:94GB', 2],
  ['Standard_NC24ads_A100_v4', 24, 220, 'A100:80GB', 1],
  ['Standard_ND96asr_v4', 96, 900, 'A100:40GB', 8],
  ['Standard_ND96amsr_A100_v4', 96, 1800, 'A100:80GB', 8],
  ['Standard_NC64as_T4_v3', 64, 440, 'T4:16GB', 4],
  ['Standard_NC24rs_v3', 24, 448, 'V100:16GB', 4],
  ['Standard_ND40rs_v2', 40, 672, 'V100:32GB', 8],
  ['Standard_NV6ads_A10_v5', 6, 55, 'A10:24GB', 1 / 6],
  ['Standard_NV12ads_A10_v5', 12, 110, 'A10:24GB', 1 / 3],
  ['Standard_NV36adms_A10_v5', 36, 880, 'A10:24GB', 1],
  ['Standard_NV72ads_A10_v5', 72, 880, 'A10:24GB', 2],
  ['Standard_NC8ads_A10_v4', 8, 100, 'A10:24GB', 1 / 2],
  ['Standard_NC24lds_xl_RTXPRO6000BSE_v6', 24, 72, 'RTXPRO6000:96GB', 1 / 4],
  ['Standard_NV12ads_V710_v5', 12, 64, 'V710:24GB', 1 / 2],
  ['Standard_NP10s', 10, 168, 'AlveoU250:64GB', 1],
  ['Standard_NV32as_v4', 32, 112, 'MI25:16GB', 1],
  ['Standard_NV48s_v3', 48, 448, 'M60:8GB', 4],
  ['Standard_NC6_Promo', 6, 56, 'K80:12GB', 1],
];

function offer(instanceType: string) {
  const place = { region: 'eastus', capacityType: 'on-demand', pricePerHour: 10 } as const;
  const collected = { instanceType, ...place, ...shape(instanceType) };
  const normalized = normalizeOffer(collected, { backend: 'azure', source: 'azure', collectedAt: 0 });
  assert.ok(normalized.ok);
  return normalized.offer;
}

test('sizes with accelerators have the right device, its whole memory, and a number or a share of it', () => {
  for (const [instanceType, cpus, gib, id, count] of GPU_SIZES) {
    const found = offer(instanceType);
    assert.equal(found.id, `azure/eastus/-/${instanceType}/on-demand/${id}:${count < 1 ? `1of${1 / count}` : count}`);
    assert.deepEqual([found.cpus, found.memoryMiB], [cpus, gib * 1024], instanceType);
    assert.equal(found.accelerator?.known, true, instanceType);
  }
});

test('none of these sizes is kept out by the rules of the cloud', () => {
  assert.ok(azure.catalog.kind === 'offline');
  const offers = GPU_SIZES.map(([instanceType]) => offer(instanceType));
  assert.deepEqual(checkOffers(offers, azure.catalog.rules, { previous: null, market: null }).quarantined, []);
});

test("AMD's devices are AMD's, and Grace is Arm", () => {
  assert.equal(offer('Standard_NG16ads_V620_v1').accelerator?.vendor, 'amd');
  assert.equal(offer('Standard_NV4as_v4').accelerator?.vendor, 'amd');
  assert.equal(offer('Standard_NV12ads_V710_v5').accelerator?.vendor, 'amd');
  assert.equal(offer('Standard_ND128isr_NDR_GB200_v6').cpuArch, 'arm');
});

test('r is InfiniBand', () => {
  assert.equal(shape('Standard_ND96isr_H100_v5').interconnect, 'InfiniBand');
  assert.equal(shape('Standard_ND96is_MI300X_v5').interconnect, null);
  assert.equal(shape('Standard_HB120rs_v3').interconnect, 'InfiniBand');
});
