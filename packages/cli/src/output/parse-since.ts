import { parseDuration } from '@berth/core/durations';
import { InvalidArgumentError } from 'commander';

/** A duration before now, or a time; as milliseconds since the Unix epoch. */
export function parseSince(text: string): number {
  if (/^\d{4}-/.test(text)) {
    const time = Date.parse(text.includes(' ') ? text.replace(' ', 'T') : text);
    if (Number.isNaN(time)) throw new InvalidArgumentError('Write a time like 2026-05-01T12:00.');
    return time;
  }
  let seconds: number | 'off';
  try {
    seconds = parseDuration(text);
  } catch {
    throw new InvalidArgumentError('Write a duration like 5m or 2h, or a time like 2026-05-01T12:00.');
  }
  return seconds === 'off' ? 0 : Date.now() - seconds * 1000;
}
