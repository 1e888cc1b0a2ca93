import { BerthError, type ConfigIssue } from '@berth/core/errors';

/** For the person who starts the server: what is wrong, where, and what to do. A defect is shown with its stack. */
export function formatError(error: unknown): string {
  if (!(error instanceof BerthError)) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  const lines = [`error: ${error.message}`];
  for (const issue of error.issues)
    lines.push(`  ${placeOf(issue)}${issue.message}${issue.hint ? ` (${issue.hint})` : ''}`);
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`);
  return lines.join('\n');
}

const placeOf = ({ line, column }: ConfigIssue): string => (line === undefined ? '' : `${line}:${column ?? 1}  `);
