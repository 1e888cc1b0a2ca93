/** What the conformance kit found, for a person. */
import type { ConformanceReport, RuleFailure, RuleInfo, RuleResult } from '@berth/core/backend-tool';
import { styled } from './style.ts';
import { type Column, formatTable, terminalWidth } from './table.ts';

/** `C26.13`. */
const WIDEST_ID = 6;
/** More are counted. */
const MOST_IDS = 12;

const MARKS = {
  passed: { mark: '✓', colour: 'green' },
  failed: { mark: '✗', colour: 'red' },
} as const;

export function formatRules(rules: readonly RuleInfo[]): string {
  const columns: readonly Column<RuleInfo>[] = [
    { title: 'RULE', value: ({ id }) => id, style: (text) => styled('bold', text) },
    { title: 'FOR', value: ({ appliesTo }) => appliesTo, dispensable: 1 },
    { title: 'LIVE', value: ({ live }) => (live ? 'yes' : ''), dispensable: 2 },
    { title: 'WHAT', value: ({ title }) => title, min: 24 },
  ];
  return formatTable(columns, rules, terminalWidth());
}

/** One line; null for what was skipped, which is told in the end, by its reason. */
export function formatResult({ id, title, outcome }: RuleResult): string | null {
  if (outcome === 'skipped') return null;
  const { mark, colour } = MARKS[outcome];
  return `${styled(colour, mark)} ${id.padEnd(WIDEST_ID)} ${title}`;
}

/** What was skipped, the failures with all that is known of them, and the sum. */
export function formatReport(report: ConformanceReport): string {
  const failed = report.results.filter(({ outcome }) => outcome === 'failed');
  const details = failed.flatMap((result) => result.failures.map((failure) => formatFailure(result, failure)));
  return [...skippedLines(report.results), ...details, '', summaryOf(report)].join('\n');
}

function skippedLines(results: readonly RuleResult[]): readonly string[] {
  const byReason = Map.groupBy(
    results.filter(({ outcome }) => outcome === 'skipped'),
    ({ reason }) => reason ?? '',
  );
  return [...byReason].map(([reason, skipped]) => {
    const ids = skipped.map(({ id }) => id);
    const told = ids.length > MOST_IDS ? `${ids.length} checks` : ids.join(' ');
    return `${styled('gray', '–')} ${told} ${styled('gray', `skipped: ${reason}`)}`;
  });
}

function formatFailure({ id, title, why }: RuleResult, failure: RuleFailure): string {
  const rows = [
    ['why', why],
    ['done', failure.did],
    ['expected', failure.expected],
    ['came', failure.came],
    ...failure.requests.map((request, index) => [index === 0 ? 'requests' : '', request]),
    ['hint', failure.hint],
  ].filter(([, text]) => text !== '');
  const lines = rows.map(([word = '', text = '']) => `  ${styled('cyan', word.padEnd(9))} ${text}`);
  return ['', `${styled('red', '✗')} ${styled('bold', id)} ${title}`, ...lines].join('\n');
}

function summaryOf({ title, against, passed, failed, skipped, ms, spent }: ConformanceReport): string {
  const on = { fake: 'its fake', account: 'a real account', nothing: 'nothing: it ships no fake' }[against];
  const cost = against === 'account' ? `, at most $${spent.toFixed(2)}` : '';
  const counts = `${passed} passed, ${failed} failed, ${skipped} skipped`;
  return `${styled('bold', title)} against ${on}: ${counts} in ${(ms / 1000).toFixed(1)} s${cost}`;
}
