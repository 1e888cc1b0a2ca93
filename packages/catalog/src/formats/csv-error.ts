/** A file that is not what it should be, as a whole; single bad rows are in the import's report instead. */

import { BerthError, type BerthErrorOptions, type ErrorCode } from '@berth/core/errors';

export interface CsvPlace {
  /** Counts from 1, which is the header; a quoted line end does not begin a row. */
  readonly row: number;
  /** Counts from 1. */
  readonly column: number;
}

export class CsvError extends BerthError {
  readonly place: CsvPlace | null;

  constructor(
    code: Extract<ErrorCode, 'invalid-request' | 'too-large'>,
    message: string,
    place: CsvPlace | null,
    options: BerthErrorOptions = {},
  ) {
    const where = place === null ? '' : ` (row ${place.row}, column ${place.column})`;
    super(code, `${message}${where}`, place === null ? options : { ...options, details: { ...place } });
    this.place = place;
  }
}
