import { BerthError } from './errors.ts';
import { quote } from './quote.ts';
import type { RangeUnit } from './ranges.ts';

/**
 * Sizes of memory and disk, kept as whole MiB. As in dstack the units are binary whatever their
 * names say: `1MB` is 1 MiB and `1GB` is 1024 MiB.
 */
const MIB = { KB: 1 / 1024, MB: 1, GB: 1024, TB: 1024 * 1024 } as const;
type MemoryUnit = keyof typeof MIB;

/** A thousand TB: more is a slip of the keyboard, and sums of it are still exact. */
const LARGEST_MIB = 1000 * MIB.TB;

/** Memory sizes as the ends of ranges, in MiB. */
export const MEMORY: RangeUnit = {
  parse: parseMemory,
  format: formatMemory,
  pattern: '\\d+(\\.\\d+)?\\s*([KMGTkmgt][Bb])?',
};

/**
 * `16GB`, `512MB`, `1.5TB`, in any letter case; a bare number is GB.
 * @returns MiB, rounded, and never zero for a size above zero
 * @throws BerthError `invalid-configuration`
 */
export function parseMemory(value: string | number): number {
  const text = String(value).trim();
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]B)?$/i.exec(text);
  if (match === null) {
    throw new BerthError('invalid-configuration', `${quote(text)} is not a memory size`, { hint: hintFor(text) });
  }
  const unit = (match[2]?.toUpperCase() ?? 'GB') as MemoryUnit; // the pattern allows nothing else
  const exact = Number(match[1]) * MIB[unit];
  if (exact > LARGEST_MIB) {
    throw new BerthError('invalid-configuration', `${quote(text)} is more than 1000TB`, {
      hint: 'a number without a unit is GB; write MB for smaller sizes',
    });
  }
  return exact === 0 ? 0 : Math.max(1, Math.round(exact));
}

/** The shortest text that `parseMemory` reads as the same size. */
export function formatMemory(mib: number): string {
  if (mib > 0 && mib % MIB.TB === 0) return `${mib / MIB.TB}TB`;
  if (mib % MIB.GB === 0) return `${mib / MIB.GB}GB`;
  return `${mib}MB`;
}

function hintFor(text: string): string {
  const other = /^(\d+(?:\.\d+)?)\s*([KMGT])(?:i?B?)?$/i.exec(text);
  if (other !== null) return `write \`${other[1]}${other[2]?.toUpperCase()}B\``;
  return 'write a number and one of MB, GB, TB (for example `16GB`)';
}
