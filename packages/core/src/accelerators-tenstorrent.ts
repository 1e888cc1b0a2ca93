import type { Accelerator, AcceleratorAlias } from './accelerator.ts';

function tenstorrent(
  name: string,
  architecture: string,
  gib: readonly number[],
  aliases: readonly AcceleratorAlias[],
): Accelerator {
  return {
    name,
    vendor: 'tenstorrent',
    architecture,
    computeCapability: null,
    memorySizesMiB: gib.map((size) => size * 1024),
    formFactors: [],
    hostArch: null,
    aliases,
  };
}

/**
 * The letter behind a board's number is its cooling (`tt-smi` prints it). A galaxy is a server whose
 * 32 chips show up one by one, so its memory is that of a chip. A p300 has two chips of 32 GiB and is
 * reported as either.
 */
export const TENSTORRENT: readonly Accelerator[] = [
  tenstorrent('n150', 'Wormhole', [12], ['n150d', 'n150s', 'Wormhole n150', 'Wormhole n150d', 'Wormhole n150s']),
  tenstorrent('n300', 'Wormhole', [24], ['n300d', 'n300s', 'Wormhole n300', 'Wormhole n300d', 'Wormhole n300s']),
  tenstorrent('tt-galaxy-wh', 'Wormhole', [12], ['Galaxy Wormhole', 'Wormhole Galaxy']),
  tenstorrent('p100a', 'Blackhole', [28], ['Blackhole p100a', 'Blackhole p100']),
  tenstorrent(
    'p150',
    'Blackhole',
    [32],
    ['p150a', 'p150b', 'p150c', 'Blackhole p150', 'Blackhole p150a', 'Blackhole p150b', 'Blackhole p150c'],
  ),
  tenstorrent(
    'p300',
    'Blackhole',
    [32, 64],
    ['p300a', 'p300b', 'p300c', 'Blackhole p300', 'Blackhole p300a', 'Blackhole p300b', 'Blackhole p300c'],
  ),
  tenstorrent('tt-galaxy-bh', 'Blackhole', [32], ['Galaxy Blackhole', 'Blackhole Galaxy']),
];
