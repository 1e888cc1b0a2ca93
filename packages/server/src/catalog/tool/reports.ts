/** What was found wrong, as plain data for the command line. */
import { blockingReason, type IntegrityReport } from '@berth/catalog/integrity';
import { countQuarantined } from '@berth/catalog/quarantine';
import type { CheckReport, CollectedReport, Complaint } from '@berth/core/catalog-tool';
import type { CollectedSourceResult } from '../collect-source.ts';

export function checkReport(
  source: string,
  report: IntegrityReport,
  unmapped: ReadonlyMap<string, number>,
): CheckReport {
  const blocks = report.problems.filter(({ severity }) => severity === 'blocks');
  const warns = report.problems.filter(({ severity, rule }) => severity === 'warns' && rule !== 'quarantined');
  const told = (problem: { readonly rule: string; readonly message: string }): Complaint => {
    return { rule: problem.rule, message: problem.message, rows: null };
  };
  const kept = countQuarantined(report.quarantined).map(({ rule, count, example }): Complaint => {
    return { rule, message: example, rows: count };
  });
  return {
    source,
    ok: blockingReason(report) === null && report.good.length > 0,
    offers: report.good.length,
    quarantined: report.quarantined.length,
    complaints: [...blocks.map(told), ...warns.map(told), ...kept],
    unmapped: [...unmapped].map(([label, offers]) => ({ label, offers })),
  };
}

export function collectedReport(result: CollectedSourceResult): CollectedReport {
  return {
    ...checkReport(result.source, result.report, result.unmapped),
    ok: result.blocked === null,
    skipped: result.skipped,
    ms: result.ms,
  };
}

/** A source that could not be asked at all. */
export function failedReport(source: string, error: unknown, ms: number): CollectedReport {
  const message = error instanceof Error ? error.message : String(error);
  const complaints = [{ rule: 'collect', message, rows: null }];
  return { source, ok: false, offers: 0, quarantined: 0, complaints, unmapped: [], skipped: [], ms };
}
