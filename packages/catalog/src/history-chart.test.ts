import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { type ChartOptions, type ChartSeries, drawChart } from './history-chart.ts';

const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 1);
const WHOLE: ChartOptions = {
  width: 48,
  height: 11,
  from: START,
  to: START + 30 * DAY,
  glyphs: 'ascii',
  colour: false,
};

const aws: ChartSeries = {
  label: 'aws',
  points: [
    { at: START - DAY, value: 8 },
    { at: START + 15 * DAY, value: 4 },
  ],
};
const gcp: ChartSeries = {
  label: 'gcp',
  points: [
    { at: START + 6 * DAY, value: 2 },
    { at: START + 24 * DAY, value: null },
  ],
};

const draw = (series: readonly ChartSeries[], options: Partial<ChartOptions> = {}) =>
  drawChart(series, { ...WHOLE, ...options });

describe('a chart of prices', () => {
  it('draws several series with signs of their own, with axes and a legend', () => {
    assert.deepEqual(draw([aws, gcp]), [
      ' $8.30|********************',
      '      |',
      '      |',
      '      |',
      ' $4.15|                    *********************',
      '      |',
      '      |        ++++++++++++++++++++++++',
      '      |',
      ' $0.00|',
      '      +-----------------------------------------',
      '       2026-01-01     2026-01-16      2026-01-31',
      '  * aws: $4.00',
      '  + gcp: none now',
    ]);
  });

  it('draws one series in Braille, its steps joined', () => {
    const [first = '', ...rest] = draw([aws], { glyphs: 'unicode' });
    assert.equal(first, ' $8.20┤⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⡆');
    const joined = rest.filter((line) => /[\u2800-\u28ff]/u.test(line));
    assert.equal(joined.length, 4, 'the riser passes every line down to the next step');
  });

  it('uses no control characters when asked, and colours that change nothing else', () => {
    for (const glyphs of ['ascii', 'unicode'] as const) {
      for (const line of draw([aws, gcp], { glyphs })) assert.equal(line, stripVTControlCharacters(line));
    }
    const plain = draw([aws, gcp]);
    const coloured = draw([aws, gcp], { colour: true });
    assert.ok(coloured[0]?.includes('\u001b[38;5;'));
    assert.deepEqual(coloured.map(stripVTControlCharacters), plain);
  });

  it('keeps to its width and height, whatever they are', () => {
    for (let width = 30; width <= 200; width += 17) {
      for (let height = 5; height <= 40; height += 7) {
        for (const glyphs of ['ascii', 'unicode'] as const) {
          const lines = draw([aws, gcp], { width, height, glyphs, colour: true }).map(stripVTControlCharacters);
          assert.equal(lines.length, height + 2);
          for (const line of lines) assert.ok(line.length <= width, `${line.length} > ${width}: ${line}`);
        }
      }
    }
  });

  it('says so when there is nothing to draw', () => {
    const none = ['No prices in this time.'];
    assert.deepEqual(draw([]), none);
    assert.deepEqual(draw([{ label: 'aws', points: [{ at: START, value: null }] }]), none);
    assert.deepEqual(draw([gcp], { to: START + DAY }), none);
    assert.deepEqual(draw([aws], { to: START }), none);
  });

  it('does not begin at zero where the prices are close together', () => {
    const close = {
      label: 'oci',
      points: [
        { at: START, value: 10 },
        { at: START + DAY, value: 10.5 },
      ],
    };
    assert.match(draw([close])[8] ?? '', /\$9\.97/);
  });

  it('names hours when the time is short', () => {
    assert.match(draw([aws], { to: START + DAY }).at(-2) ?? '', /01-01 00:00 +01-01 12:00 +01-02 00:00/);
  });
});
