/** A version beside the one before it: what was lost, and which prices jumped. */

import type { CatalogOffer } from './catalog-offer.ts';
import type { IntegrityProblem } from './integrity.ts';
import type { Parted } from './quarantine.ts';

/** List prices change by less than this from one version to the next; a slipped decimal point by more. */
const LIST_JUMP = 3;
/** Spot prices follow demand. */
const SPOT_JUMP = 10;
/** Fewer than this cannot tell a new price list from a mistake. */
const ENOUGH_TO_AGREE = 3;
/** A cloud changes the prices of a family at once, never of all it sells: that is another unit or currency. */
const LIST_MOVED = 0.5;
/** A smaller list may well change as a whole. */
const ENOUGH_FOR_A_LIST = 20;

/**
 * Quarantines offers whose price jumped, unless most of the same shape moved alike: then the list has
 * changed. An offer that is kept out is missing from the next comparison, so a price that is said twice in
 * a row is believed; what is wrong for good is for the rules that look at the market.
 */
export function withoutJumps(
  offers: readonly CatalogOffer[],
  previous: ReadonlyMap<string, CatalogOffer>,
): Parted & { readonly problems: IntegrityProblem[] } {
  const shapes = new Map<string, { known: number; up: number; down: number }>();
  const all = { known: 0, up: 0, down: 0 };
  const moves = new Map<CatalogOffer, 'up' | 'down'>();
  for (const offer of offers) {
    const before = previous.get(offer.id);
    if (before === undefined) continue;
    const shape = shapes.get(shapeOf(offer)) ?? { known: 0, up: 0, down: 0 };
    shapes.set(shapeOf(offer), shape);
    shape.known++;
    all.known++;
    const move = moveOf(offer, before);
    if (move === null) continue;
    shape[move]++;
    all[move]++;
    moves.set(offer, move);
  }
  const parted: Parted & { problems: IntegrityProblem[] } = { good: [], quarantined: [], problems: [] };
  const believed = new Set<string>();
  for (const offer of offers) {
    const move = moves.get(offer);
    const shape = shapes.get(shapeOf(offer));
    const before = previous.get(offer.id);
    if (move === undefined || shape === undefined || before === undefined) {
      parted.good.push(offer);
    } else if (shape.known >= ENOUGH_TO_AGREE && shape[move] > shape.known / 2) {
      parted.good.push(offer);
      believed.add(
        `${offer.instanceType} (${offer.capacityType}) is ${shape[move]} times ${move === 'up' ? 'dearer' : 'cheaper'}`,
      );
    } else {
      const reason = `$${before.pricePerHour} before, $${offer.pricePerHour} now, without most places of this type moving alike`;
      parted.quarantined.push({ offer, rule: 'price-jump', reason });
    }
  }
  for (const what of believed) {
    parted.problems.push({
      rule: 'price-jump',
      message: `${what}: believed, as most places moved alike`,
      severity: 'warns',
    });
  }
  const moved = Math.max(all.up, all.down);
  if (all.known >= ENOUGH_FOR_A_LIST && moved > all.known * LIST_MOVED) {
    parted.problems.push({
      rule: 'list-moved',
      message: `${moved} of ${all.known} prices are several times ${all.up > all.down ? 'dearer' : 'cheaper'} than before: another unit or currency, or a list that is broken (\`--accept-moved-prices\` takes it)`,
      severity: 'blocks',
    });
  }
  return parted;
}

function moveOf(offer: CatalogOffer, before: CatalogOffer): 'up' | 'down' | null {
  const most = offer.capacityType === 'spot' ? SPOT_JUMP : LIST_JUMP;
  const ratio = offer.pricePerHour / before.pricePerHour;
  return ratio > most ? 'up' : ratio < 1 / most ? 'down' : null;
}

function shapeOf({ instanceType, capacityType, accelerator }: CatalogOffer): string {
  return `${instanceType}\n${capacityType}\n${accelerator?.name}\n${accelerator?.count}`;
}

/** More than this share lost, and something broke; a tenth is told. */
const ROWS_BLOCK = 0.3;
const ROWS_WARN = 0.1;
/** A region that closes, a device that is retired: told. More at once: something broke. */
const PLACES_BLOCK = 0.2;
const DEVICES_BLOCK = 0.25;
/** One of two regions of a small cloud may well close. */
const LEAST_TO_BLOCK = 2;

/** What the version before had and this one lacks. */
export function lossProblems(
  offers: readonly CatalogOffer[],
  previous: ReadonlyMap<string, CatalogOffer>,
): IntegrityProblem[] {
  const problems: IntegrityProblem[] = [];
  if (previous.size === 0) return problems;
  const lost = 1 - offers.length / previous.size;
  if (lost > ROWS_WARN) {
    problems.push({
      rule: 'rows-lost',
      message: `${offers.length} offers, ${Math.round(lost * 100)} % fewer than the ${previous.size} before`,
      severity: lost > ROWS_BLOCK ? 'blocks' : 'warns',
    });
  }
  const before = [...previous.values()];
  const regions = vanished(before, offers, ({ region }) => region, PLACES_BLOCK);
  if (regions !== null) problems.push({ rule: 'regions-vanished', ...regions });
  const devices = vanished(before, offers, ({ accelerator }) => accelerator?.name ?? null, DEVICES_BLOCK);
  if (devices !== null) problems.push({ rule: 'accelerators-vanished', ...devices });
  return problems;
}

function vanished(
  before: readonly CatalogOffer[],
  now: readonly CatalogOffer[],
  of: (offer: CatalogOffer) => string | null,
  blockingShare: number,
): Pick<IntegrityProblem, 'message' | 'severity'> | null {
  const had = new Set(before.map(of).filter((name) => name !== null));
  const has = new Set(now.map(of));
  const gone = [...had].filter((name) => !has.has(name));
  if (gone.length === 0) return null;
  const blocks = gone.length >= LEAST_TO_BLOCK && gone.length > had.size * blockingShare;
  const named = gone.length > 8 ? `${gone.slice(0, 8).join(', ')} and ${gone.length - 8} more` : gone.join(', ');
  return { message: `gone since the version before: ${named}`, severity: blocks ? 'blocks' : 'warns' };
}
