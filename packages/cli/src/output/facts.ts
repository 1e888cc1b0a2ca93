import { styledFor } from './style.ts';

/** Names and values below each other; facts without a value are left out. */
export function formatFacts(
  facts: readonly (readonly [name: string, value: string | null | undefined])[],
  stream: NodeJS.WriteStream = process.stdout,
): string {
  const shown = facts.filter((fact): fact is readonly [string, string] => fact[1] != null && fact[1] !== '');
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown
    .map(
      ([name, value]) =>
        `${styledFor(stream, 'gray', name.padEnd(width))}  ${value.replaceAll('\n', `\n${' '.repeat(width + 2)}`)}`,
    )
    .join('\n');
}
