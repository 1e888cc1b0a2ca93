import type { OffersView, OfferView, SourceView } from '@berth/core/api-schemas';
import { describeResources } from './describe.ts';
import { dollars, plural } from './format.ts';
import { styledFor } from './style.ts';
import { type Column, formatTable, terminalWidth } from './table.ts';

/** Offers as a table, or why there are none. */
export function formatOffers(answer: OffersView, stream: NodeJS.WriteStream = process.stdout): string {
  if (answer.offers.length === 0) return noOffers(answer);
  const columns: readonly Column<OfferView>[] = [
    { title: 'BACKEND', value: (offer) => offer.backend, min: 6 },
    { title: 'REGION', value: (offer) => offer.zone ?? offer.region, min: 6, dispensable: 2 },
    { title: 'INSTANCE', value: (offer) => offer.instance_type, min: 8, dispensable: 1 },
    { title: 'RESOURCES', value: (offer) => describeResources(offer.resources, { disk: true }), min: 16 },
    {
      title: 'SPOT',
      value: (offer) => (offer.capacity_type === 'on-demand' ? '' : offer.capacity_type),
      dispensable: 3,
    },
    { title: 'PER HOUR', value: (offer) => dollars(offer.price_per_hour), align: 'right' },
    {
      title: '',
      value: (offer) =>
        offer.availability === 'available' || offer.availability === 'unknown' ? '' : offer.availability,
      style: (text, offer) => styledFor(stream, offer.availability === 'idle' ? 'green' : 'yellow', text),
    },
  ];
  const table = formatTable(columns, answer.offers, terminalWidth(stream));
  const more = answer.total - answer.offers.length;
  return more > 0 ? `${table}\n… and ${plural(more, 'more offer')}; \`--max-offers\` shows more of them` : table;
}

function noOffers(answer: OffersView): string {
  // What is in the way of all of them is counted with none.
  const obstacles = answer.misfits.filter(({ count }) => count === 0).map(({ reason }) => reason);
  if (obstacles.length > 0) return obstacles.join(' ');
  const reasons = answer.misfits.slice(0, 5).map(({ reason, count }) => `  ${plural(count, 'offer')}: ${reason}`);
  const why =
    reasons.length === 0 ? 'No backend offers anything.' : `Those that there are do not fit:\n${reasons.join('\n')}`;
  return `No offer fits. ${why}`;
}

/** A line for each backend that could not be asked; empty when all answered. */
export function formatSources(sources: readonly SourceView[], stream: NodeJS.WriteStream = process.stderr): string {
  return sources
    .filter((source) => source.status === 'failed' || source.status === 'timed-out')
    .map(
      (source) =>
        `${styledFor(stream, 'yellow', 'warning:')} ${source.backend} ${failureOf(source)}; its offers are missing`,
    )
    .join('\n');
}

function failureOf(source: SourceView): string {
  const why = source.message === null ? '' : ` (${source.message})`;
  return source.status === 'timed-out' ? `did not answer in time${why}` : `could not be asked${why}`;
}
