import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANY_FAMILY, M2_PREMIUM, meaningOf } from './sku.ts';

function meaning(
  description: string,
  usageType = 'OnDemand',
  resourceFamily = 'Compute',
  resourceGroup = 'N1Standard',
) {
  const found = meaningOf({ description, category: { resourceFamily, resourceGroup, usageType } });
  return found === null ? null : `${found.terms} ${found.kind} ${found.key}`;
}

test('cores and memory belong to the family that is named whole', () => {
  for (const [description, expected] of [
    ['E2 Instance Core running in Americas', 'on-demand core e2'],
    ['N2D AMD Instance Ram running in Sao Paulo', 'on-demand ram n2d'],
    ['N1 Predefined Instance Core running in Tel Aviv', 'on-demand core n1'],
    ['C4A Arm Instance Ram running in Iowa', 'on-demand ram c4a'],
    ['M3 Memory-optimized Instance Core running in Iowa', 'on-demand core m3'],
    ['Memory-optimized Instance Ram running in Iowa', 'on-demand ram m1'],
    ['Compute optimized Core running in Americas', 'on-demand core c2'],
    ['Compute optimized Instance Ram running in Dammam', 'on-demand ram c2'],
    ['A3Plus Instance Core running in Iowa', 'on-demand core a3plus'],
    ['A3Ultra Instance Ram running in Iowa', 'on-demand ram a3ultra'],
    ['DWS Defined Duration A3 Ultra Instance Core running in Iowa', 'flex-start core a3ultra'],
    ['M4Ultramem224 Instance Core running in Iowa', 'on-demand core m4ultramem224'],
    [
      'Memory Optimized Upgrade Premium for Memory-optimized Instance Core running in Iowa',
      `on-demand core ${M2_PREMIUM}`,
    ],
  ] as const) {
    assert.equal(meaning(description), expected, description);
  }
});

test('GPUs are told by their words, slices pay for the whole machine', () => {
  for (const [description, expected] of [
    ['Nvidia Tesla A100 GPU running in Americas', 'on-demand gpu a100'],
    ['Nvidia Tesla A100 80GB GPU running in Americas', 'on-demand gpu a100 80gb'],
    ['Nvidia H100 80GB Mega GPU running in Iowa', 'on-demand gpu h100 80gb mega'],
    ['H200 141GB GPU running in Iowa', 'on-demand gpu h200 141gb'],
    ['RTX 6000 96GB running in Iowa', 'on-demand gpu rtx 6000 96gb'],
    ['A4 Nvidia B200 (1 gpu slice) running in Iowa', 'on-demand slice b200'],
    ['1/8 vGPU no lssd running in Iowa', 'on-demand slice g4-eighth'],
    ['Nvidia L4 Virtual Workstation GPU running in Iowa', 'on-demand gpu l4 virtual workstation'],
  ] as const) {
    assert.equal(meaning(description), expected, description);
  }
});

test('terms are in the words, also where the usage type says otherwise', () => {
  assert.equal(meaning('Spot Preemptible N2 Instance Ram running in Paris', 'Preemptible'), 'spot ram n2');
  assert.equal(meaning('Nvidia L4 GPU attached to Spot Preemptible VMs running in Iowa', 'Preemptible'), 'spot gpu l4');
  assert.equal(meaning('Spot Preemptible A4 Nvidia B200 (1 gpu slice) running in Americas'), 'spot slice b200');
  assert.equal(meaning('DWS Calendar Mode A4 Nvidia B200 (1 gpu slice) running in Iowa'), 'calendar slice b200');
  assert.equal(meaning('DWS Defined Duration A3 Core running in Americas'), 'flex-start core a3');
  assert.equal(
    meaning('Nvidia H100 80GB GPU attached to DWS Defined Duration VMs running in Americas'),
    'flex-start gpu h100 80gb',
  );
});

test('TPUs are told by version, pods apart; their preemptible prices are filed under on demand', () => {
  assert.equal(meaning('TpuV5e running in Iowa'), 'on-demand tpu v5e');
  assert.equal(meaning('TPU7x running in Iowa'), 'on-demand tpu v7x');
  assert.equal(meaning('Preemptible Tpu-v2 accelerator in Taiwan'), 'spot tpu v2');
  assert.equal(meaning('Tpu-v3 Pod accelerator running in Netherlands'), 'on-demand tpu v3 pod');
  // In the group of TPUs, wherever the version and the word stand.
  assert.equal(meaning('Cloud Tpu-v2-8 Preemptible in Taiwan', 'OnDemand', 'Compute', 'TPU'), 'spot tpu v2');
});

test('local disks have a price of their family or of all', () => {
  assert.equal(meaning('SSD backed Local Storage in Iowa', 'OnDemand', 'Storage'), `on-demand ssd ${ANY_FAMILY}`);
  assert.equal(meaning('C4D Instance Local SSD running in Iowa'), 'on-demand ssd c4d');
});

test('whole machines of a shared core have a price of their own', () => {
  assert.equal(
    meaning('Micro Instance with burstable CPU running in Iowa', 'OnDemand', 'Compute', 'F1Micro'),
    'on-demand machine f1-micro',
  );
});

test('other ways to pay and other things are none of ours', () => {
  for (const description of [
    'Commitment v1: A2 Cpu in Americas for 1 Year',
    'N2 Custom Instance Core running in Iowa',
    'N2 Custom Extended Instance Ram running in Iowa',
    'C2 Sole Tenancy Instance Core running in Iowa',
    'Reserved Nvidia H100 80GB GPU in Iowa',
    'Sole Tenancy Premium for N2 Instance Core running in Iowa',
    '1/2 vGPU with something running in Iowa',
    'DWS Something New A3 Core running in Iowa',
    'Network Inter Zone Data Transfer Out',
  ]) {
    assert.equal(meaning(description), null, description);
  }
  assert.equal(meaning('N2 Instance Core running in Iowa', 'Commit1Yr'), null);
});
