/** What one cloud is known for, and must therefore be in its list. */

import type { CatalogOffer } from './catalog-offer.ts';
import type { IntegrityProblem } from './integrity.ts';
import type { IntegrityRule } from './integrity-rule.ts';

export function sourceProblems(offers: readonly CatalogOffer[], rules: readonly IntegrityRule[]): IntegrityProblem[] {
  if (offers.length === 0) return [{ rule: 'offers', message: 'there is no good offer', severity: 'blocks' }];
  const problems = rules.flatMap((rule): IntegrityProblem[] => {
    const message = broken(offers, rule);
    return message === null ? [] : [{ rule: rule.rule, message, severity: 'blocks' }];
  });
  const unmapped = new Set(
    offers.flatMap(({ accelerator }) => (accelerator?.known === false ? [accelerator.name] : [])),
  );
  if (unmapped.size > 0) {
    const message = `devices that the registry does not know: ${[...unmapped].sort().join(', ')}`;
    problems.push({ rule: 'unmapped', message, severity: 'warns' });
  }
  return problems;
}

function broken(offers: readonly CatalogOffer[], rule: IntegrityRule): string | null {
  switch (rule.rule) {
    case 'accelerators':
      return missing(
        'accelerators',
        rule.names,
        new Set(offers.map(({ accelerator }) => accelerator?.name)),
        rule.atLeast,
      );
    case 'regions':
      return missing('regions', rule.names, new Set(offers.map(({ region }) => region)), rule.atLeast);
    case 'instance-types':
      return missing('instance types', rule.names, new Set(offers.map(({ instanceType }) => instanceType)));
    case 'capacity-types': {
      const found = new Set(offers.map(({ capacityType }) => capacityType));
      const other = [...found].filter((type) => !rule.exactly.includes(type));
      if (other.length > 0) return `capacity types that are not sold here: ${other.join(', ')}`;
      return missing('capacity types', rule.exactly, found);
    }
    case 'offers':
      return offers.length >= rule.atLeast ? null : `${offers.length} offers, fewer than ${rule.atLeast}`;
    // These exempt from general rules.
    case 'free-zone-names':
    case 'spot-above-on-demand':
    case 'cheap':
    case 'shares':
    case 'comes-and-goes':
      return null;
  }
}

function missing(
  what: string,
  wanted: readonly string[],
  found: ReadonlySet<string | undefined>,
  atLeast: number = wanted.length,
): string | null {
  const absent = wanted.filter((name) => !found.has(name));
  if (wanted.length - absent.length >= atLeast) return null;
  const enough = atLeast === wanted.length ? '' : `, of which ${atLeast} must be there`;
  return `${what} that this cloud is known for are missing: ${absent.join(', ')}${enough}`;
}
