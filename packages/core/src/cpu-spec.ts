import { BerthError } from './errors.ts';
import { CPU_ARCHS, type CpuArch, type Range } from './offer.ts';
import { quote } from './quote.ts';
import { COUNT, formatRange, parseRange, rangePattern } from './ranges.ts';

/** What others call our two architectures; only used in hints, so that there is one spelling. */
const OTHER_NAMES: ReadonlyMap<string, CpuArch> = new Map([
  ['amd64', 'x86'],
  ['x86_64', 'x86'],
  ['x64', 'x86'],
  ['arm64', 'arm'],
  ['aarch64', 'arm'],
]);

export interface CpuSpec {
  /** Null: any. */
  readonly arch: CpuArch | null;
  readonly count: Range;
}

/** What an architecture without a count asks for. */
export const ANY_CPU_COUNT: Range = { min: 1, max: null };

export const CPU_PATTERN = `^((x86|arm)(:.+)?|[^:]*:(x86|arm)|${rangePattern(COUNT).slice(1, -1)})$`;

/**
 * `4`, `2..8`, `x86:8..`, `arm:16`, `arm`; architecture and count in any order.
 * @throws BerthError `invalid-configuration`
 */
export function parseCpu(text: string): CpuSpec {
  let arch: CpuArch | null = null;
  let count: Range | null = null;
  for (const token of text.split(':').map((part) => part.trim())) {
    if (token === '') throw new BerthError('invalid-configuration', `${quote(text)} has an empty part`);
    if (/^[a-z]/i.test(token)) {
      if (arch !== null) throw new BerthError('invalid-configuration', `${quote(text)} names two architectures`);
      arch = parseArch(token);
    } else {
      if (count !== null) throw new BerthError('invalid-configuration', `${quote(text)} gives two CPU counts`);
      count = parseRange(token, COUNT);
    }
  }
  return { arch, count: count ?? ANY_CPU_COUNT };
}

/** The text that `parseCpu` reads as the same. */
export function formatCpu(cpu: CpuSpec): string {
  const count = formatRange(cpu.count);
  return cpu.arch === null ? count : `${cpu.arch}:${count}`;
}

function parseArch(token: string): CpuArch {
  const name = token.toLowerCase();
  const arch = CPU_ARCHS.find((known) => known === name);
  if (arch !== undefined) return arch;
  const meant = OTHER_NAMES.get(name);
  throw new BerthError('invalid-configuration', `${quote(token)} is not a CPU architecture`, {
    hint: meant === undefined ? 'write `x86` or `arm`' : `write \`${meant}\``,
  });
}
