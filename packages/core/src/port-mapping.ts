import { z } from 'zod';
import { BerthError } from './errors.ts';
import { textOf } from './grammar.ts';
import type { PortMapping } from './job-spec.ts';
import { quote } from './quote.ts';

const port = z.int().min(1).max(65_535);

/**
 * `8080` (the same port here and there), `80:8080` (here 80), `*:8080` (here any free port).
 * @throws BerthError `invalid-configuration`
 */
export function parsePort(text: string): PortMapping {
  const match = /^\s*(?:(\*|\d{1,5}):)?(\d{1,5})\s*$/.exec(text);
  const container = Number(match?.[2]);
  const local = match?.[1] === '*' ? null : Number(match?.[1] ?? match?.[2]);
  if (!isPort(container) || (local !== null && !isPort(local))) {
    throw new BerthError('invalid-configuration', `${quote(text)} is not a port`, {
      hint: 'write `8080`, `80:8080` (local port first) or `"*:8080"`; ports go from 1 to 65535',
    });
  }
  return { container, local };
}

/** The text that `parsePort` reads as the same. */
export function formatPort(mapping: PortMapping): string {
  if (mapping.local === null) return `*:${mapping.container}`;
  return mapping.local === mapping.container ? `${mapping.container}` : `${mapping.local}:${mapping.container}`;
}

export const portSchema = z.union([
  port.transform((value): PortMapping => ({ container: value, local: value })),
  textOf(parsePort, '^\\s*((\\*|\\d{1,5}):)?\\d{1,5}\\s*$'),
  z
    .strictObject({ container_port: port, local_port: port.nullish() })
    .transform((value): PortMapping => ({ container: value.container_port, local: value.local_port ?? null })),
]);

function isPort(value: number): boolean {
  return value >= 1 && value <= 65_535;
}
