/** Sorts what a builder collected and writes the sections. The same offers give the same bytes, in whatever order they came. */

import { inverse, sortedOrder } from './interner.ts';
import { ROW, SHAPE, type SnapshotBuilder } from './snapshot-builder.ts';
import { SECTIONS, type SectionName } from './snapshot-columns.ts';
import { type Codes, type Section, writeSections } from './snapshot-file.ts';
import { stringSections } from './string-table.ts';
import type { TupleTable } from './tuple-table.ts';

type Sections = Partial<Record<SectionName, Section>>;

export function layOut(builder: SnapshotBuilder): Uint8Array<ArrayBuffer> {
  const sections: Sections = {};
  sections.meta = Buffer.from(JSON.stringify(builder.meta));
  const words = builder.words.sorted();
  const instanceTypes = builder.instanceTypes.sorted();
  const data = builder.data.sorted();
  [sections.wordBytes, sections.wordEnds] = stringSections(words.values);
  [sections.instanceTypeBytes, sections.instanceTypeEnds] = stringSections(instanceTypes.values);
  [sections.dataBytes, sections.dataEnds] = stringSections(data.values);
  const cpus = builder.cpus.sorted();
  const memoryMiB = builder.memoryMiB.sorted();
  const diskMiB = builder.diskMiB.sorted();
  sections.cpus = Float64Array.from(cpus.values);
  sections.memoryMiB = Float64Array.from(memoryMiB.values);
  sections.diskMiB = Float64Array.from(diskMiB.values);

  const number = builder.numbers.values();
  const word = (code: number) => words.places[code] ?? 0;
  const wordOrNull = (code: number) => (code === 0 ? 0 : word(code - 1) + 1);
  const { locations, origins, accelerators, traits, shapes } = builder;

  const locationTexts = Array.from({ length: locations.size }, (_, tuple) => locationText(builder, words, tuple));
  const locationOrder = sortedOrder(
    locations.size,
    (a, b) =>
      compareTexts(locationTexts[a], locationTexts[b]) ||
      wordOrNull(locations.at(a, 1)) - wordOrNull(locations.at(b, 1)) ||
      wordOrNull(locations.at(a, 2)) - wordOrNull(locations.at(b, 2)) ||
      word(locations.at(a, 0)) - word(locations.at(b, 0)),
  );
  sections.locations = table(locationOrder, [
    (tuple) => word(locations.at(tuple, 0)),
    (tuple) => wordOrNull(locations.at(tuple, 1)),
    (tuple) => wordOrNull(locations.at(tuple, 2)),
  ]);

  const time = (tuple: number) => number[origins.at(tuple, 1)] ?? 0;
  const originOrder = sortedOrder(
    origins.size,
    (a, b) => word(origins.at(a, 0)) - word(origins.at(b, 0)) || time(a) - time(b),
  );
  sections.origins = table(originOrder, [(tuple) => word(origins.at(tuple, 0))]);
  sections.originTimes = Float64Array.from(originOrder, time);

  const acceleratorNumber = (tuple: number, place: number) => number[accelerators.at(tuple, place)] ?? 0;
  const acceleratorWords = [
    (tuple: number) => word(accelerators.at(tuple, 0)),
    (tuple: number) => wordOrNull(accelerators.at(tuple, 1)),
    (tuple: number) => accelerators.at(tuple, 2),
    (tuple: number) => accelerators.at(tuple, 3),
  ];
  const acceleratorOrder = sortedOrder(
    accelerators.size,
    (a, b) =>
      word(accelerators.at(a, 0)) - word(accelerators.at(b, 0)) ||
      compareUnknown(acceleratorNumber(a, 5), acceleratorNumber(b, 5)) ||
      acceleratorNumber(a, 4) - acceleratorNumber(b, 4) ||
      compareBy(acceleratorWords, a, b),
  );
  sections.accelerators = table(acceleratorOrder, acceleratorWords);
  sections.acceleratorNumbers = new Float64Array(2 * accelerators.size);
  for (const [place, tuple] of acceleratorOrder.entries()) {
    sections.acceleratorNumbers[2 * place] = acceleratorNumber(tuple, 4);
    sections.acceleratorNumbers[2 * place + 1] = acceleratorNumber(tuple, 5);
  }

  const network = (tuple: number) => number[traits.at(tuple, 3)] ?? 0;
  const traitWords = [
    (tuple: number) => traits.at(tuple, 0),
    (tuple: number) => wordOrNull(traits.at(tuple, 1)),
    (tuple: number) => word(traits.at(tuple, 2)),
  ];
  const traitOrder = sortedOrder(
    traits.size,
    (a, b) => compareBy(traitWords, a, b) || compareUnknown(network(a), network(b)),
  );
  sections.traits = table(traitOrder, traitWords);
  sections.traitNumbers = Float64Array.from(traitOrder, network);

  const backendWords = [...new Set(column(shapes, SHAPE.backend).map(word))].sort((a, b) => a - b);
  sections.backends = Uint32Array.from(backendWords);
  const backendPlaces = new Map(backendWords.map((code, place) => [code, place]));
  const acceleratorPlaces = inverse(acceleratorOrder);
  const shapeColumns = [
    column(shapes, SHAPE.accelerator).map((code) => (code === 0 ? 0 : (acceleratorPlaces[code - 1] ?? 0) + 1)),
    column(shapes, SHAPE.backend).map((code) => backendPlaces.get(word(code)) ?? 0),
    placed(column(shapes, SHAPE.instanceType), instanceTypes.places),
    placed(column(shapes, SHAPE.cpus), cpus.places),
    placed(column(shapes, SHAPE.memory), memoryMiB.places),
    placed(column(shapes, SHAPE.disk), diskMiB.places),
    placed(column(shapes, SHAPE.traits), inverse(traitOrder)),
  ] as const;
  const shapeOrder = sortedOrder(shapes.size, (a, b) => {
    for (const codes of shapeColumns) {
      const difference = (codes[a] ?? 0) - (codes[b] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  });
  const [accelerator, backend, instanceType, cpu, memory, disk, trait] = shapeColumns;
  sections.shapeAccelerator = narrow(placed(shapeOrder, accelerator));
  sections.shapeBackend = narrow(placed(shapeOrder, backend));
  sections.shapeInstanceType = narrow(placed(shapeOrder, instanceType));
  sections.shapeCpus = narrow(placed(shapeOrder, cpu));
  sections.shapeMemory = narrow(placed(shapeOrder, memory));
  sections.shapeDisk = narrow(placed(shapeOrder, disk));
  sections.shapeTraits = narrow(placed(shapeOrder, trait));

  layOutRows(builder, sections, {
    shapePlaces: inverse(shapeOrder),
    locationPlaces: inverse(locationOrder),
    originPlaces: inverse(originOrder),
    dataPlaces: data.places,
    locationTexts: [...locationOrder].map((tuple) => locationTexts[tuple] ?? ''),
    tailOf: (shape) => instanceTypes.values[codeOf(sections.shapeInstanceType, shape)] ?? '',
  });
  orderGroups(sections);
  return writeSections(SECTIONS.map((name) => sections[name] ?? new Uint8Array(0)));
}

interface Places {
  readonly shapePlaces: Uint32Array;
  readonly locationPlaces: Uint32Array;
  readonly originPlaces: Uint32Array;
  readonly dataPlaces: Uint32Array;
  readonly locationTexts: readonly string[];
  /** What follows the location in the ids of a shape's offers. */
  readonly tailOf: (shape: number) => string;
}

function layOutRows(builder: SnapshotBuilder, sections: Sections, places: Places): void {
  const { rows, prices } = builder;
  const groupOf = (row: number) => {
    const code = builder.row(row, ROW.group);
    return (places.shapePlaces[code >>> 2] ?? 0) * 4 + (code & 3);
  };
  const locationOf = (row: number) => places.locationPlaces[builder.row(row, ROW.location)] ?? 0;
  const originOf = (row: number) => places.originPlaces[builder.row(row, ROW.origin)] ?? 0;
  const dataOf = (row: number) => {
    const code = builder.row(row, ROW.data);
    return code === 0 ? 0 : (places.dataPlaces[code - 1] ?? 0) + 1;
  };

  // Rows into their groups by counting, then each group by itself.
  const ends = new Uint32Array(builder.shapes.size * 4 + 1);
  for (let row = 0; row < rows; row += 1) ends[groupOf(row) + 1] = (ends[groupOf(row) + 1] ?? 0) + 1;
  const groups: number[] = [];
  for (let group = 0; group + 1 < ends.length; group += 1) {
    if ((ends[group + 1] ?? 0) > 0) groups.push(group);
    ends[group + 1] = (ends[group + 1] ?? 0) + (ends[group] ?? 0);
  }
  const starts = Uint32Array.from([...groups.map((group) => ends[group] ?? 0), rows]);
  const order = new Uint32Array(rows);
  const next = ends.slice();
  for (let row = 0; row < rows; row += 1) {
    const group = groupOf(row);
    const at = next[group] ?? 0;
    order[at] = row;
    next[group] = at + 1;
  }
  const ambiguous = places.locationTexts.some((text, index) => places.locationTexts[index + 1]?.startsWith(text));
  for (const [index, group] of groups.entries()) {
    const tail = ambiguous ? places.tailOf(group >>> 2) : '';
    const textOf = (row: number) => `${places.locationTexts[locationOf(row)] ?? ''}${tail}`;
    order
      .subarray(starts[index], starts[index + 1])
      .sort(
        (a, b) =>
          (prices[a] ?? 0) - (prices[b] ?? 0) ||
          (ambiguous ? compareTexts(textOf(a), textOf(b)) : 0) ||
          locationOf(a) - locationOf(b) ||
          builder.row(a, ROW.availability) - builder.row(b, ROW.availability) ||
          originOf(a) - originOf(b) ||
          dataOf(a) - dataOf(b),
      );
  }
  sections.groupShape = narrow(Uint32Array.from(groups, (group) => group >>> 2));
  sections.groupCapacity = narrow(Uint32Array.from(groups, (group) => group & 3));
  sections.groupStart = starts;
  sections.price = Float64Array.from(order, (row) => prices[row] ?? 0);
  sections.location = narrow(order.map(locationOf));
  sections.availability = narrow(order.map((row) => builder.row(row, ROW.availability)));
  sections.origin = narrow(order.map(originOf));
  sections.data = narrow(order.map(dataOf));
}

/** Groups by their cheapest row, for each way to sort. Those without such a price come last, by price. */
function orderGroups(sections: Sections): void {
  const { groupStart, groupShape, shapeAccelerator, acceleratorNumbers, price } = sections;
  const groups = (groupStart?.length ?? 1) - 1;
  const priceOf = Float64Array.from({ length: groups }, (_, group) => price?.[groupStart?.[group] ?? 0] ?? 0);
  const keys = (unit: (accelerator: number) => number) =>
    priceOf.map((value, group) => {
      const accelerator = codeOf(shapeAccelerator, codeOf(groupShape, group));
      const key = accelerator === 0 ? Number.NaN : value / unit(accelerator - 1);
      return Number.isFinite(key) ? key : Number.POSITIVE_INFINITY;
    });
  const byKey = (key: Float64Array) =>
    sortedOrder(groups, (a, b) => {
      const [ka = 0, kb = 0] = [key[a], key[b]];
      return (ka < kb ? -1 : ka > kb ? 1 : 0) || (priceOf[a] ?? 0) - (priceOf[b] ?? 0) || a - b;
    });
  const count = (accelerator: number) => acceleratorNumbers?.[2 * accelerator] ?? 0;
  const memory = (accelerator: number) => acceleratorNumbers?.[2 * accelerator + 1] ?? 0;
  sections.byPrice = byKey(priceOf);
  sections.byPricePerGpu = byKey(keys(count));
  sections.byPricePerGpuGib = byKey(keys((accelerator) => (count(accelerator) * memory(accelerator)) / 1024));
}

/** As it stands in an id, so that locations in this order are ids in their order. */
function locationText(
  builder: SnapshotBuilder,
  words: { readonly values: readonly string[]; readonly places: Uint32Array },
  tuple: number,
): string {
  const text = (code: number) => words.values[words.places[code] ?? 0] ?? '';
  const zone = builder.locations.at(tuple, 1);
  return `${text(builder.locations.at(tuple, 0))}/${zone === 0 ? '-' : text(zone - 1)}/`;
}

function compareTexts(a = '', b = ''): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** NaN, which stands for not known, first. */
function compareUnknown(a: number, b: number): number {
  return (Number.isNaN(a) ? -1 : a) - (Number.isNaN(b) ? -1 : b);
}

function compareBy(keys: readonly ((tuple: number) => number)[], a: number, b: number): number {
  for (const key of keys) {
    const difference = key(a) - key(b);
    if (difference !== 0) return difference;
  }
  return 0;
}

function table(order: Uint32Array, columns: readonly ((tuple: number) => number)[]): Uint32Array {
  return Uint32Array.from([...order].flatMap((tuple) => columns.map((value) => value(tuple))));
}

function column(tuples: TupleTable, place: number): Uint32Array {
  return Uint32Array.from({ length: tuples.size }, (_, tuple) => tuples.at(tuple, place));
}

function placed(codes: Uint32Array, places: Uint32Array): Uint32Array {
  return codes.map((code) => places[code] ?? 0);
}

function codeOf(section: Section | undefined, index: number): number {
  return section?.[index] ?? 0;
}

/** In as few bytes as the largest code takes; none where all are zero. */
function narrow(codes: Uint32Array): Codes {
  const largest = codes.reduce((a, b) => Math.max(a, b), 0);
  if (largest === 0) return new Uint8Array(0);
  if (largest <= 0xff) return Uint8Array.from(codes);
  return largest <= 0xffff ? Uint16Array.from(codes) : codes;
}
