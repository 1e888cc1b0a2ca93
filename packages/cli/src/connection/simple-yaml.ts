/**
 * Reads the one shape of YAML that `config.yml` has when nobody wrote into it by hand:
 *
 *     projects:
 *       - name: main
 *         url: http://127.0.0.1:3000
 *
 * The YAML library takes longer to load than the rest of a short command takes to run, so it is left
 * for files in which anything else is found.
 */
type Entry = Readonly<Record<string, string>>;

/** A plain word that means the same in every YAML, or a quoted one without escapes. */
const VALUE = /^(?:([A-Za-z0-9_/.](?:[A-Za-z0-9_/.+=@-]|:(?=\S))*)|"([^"\\]*)"|'([^']*)')$/;
const LINE = /^( *)(- +)?([A-Za-z_]+): *(.*?) *$/;

/** The entries with every value as text; null when the text is not of this shape. */
export function readSimpleConfig(text: string): Entry[] | null {
  const lines = text.split('\n').filter((line) => !/^\s*(#.*)?$/.test(line));
  if (lines.length === 0) return [];
  if (lines.shift()?.trimEnd() !== 'projects:') return null;
  const entries: Record<string, string>[] = [];
  let dash = -1;
  for (const line of lines) {
    const [, indent = '', bullet, key = '', raw = ''] = LINE.exec(line) ?? [];
    const value = VALUE.exec(raw);
    if (key === '' || value === null || key === '__proto__') return null;
    if (bullet !== undefined) {
      if (dash >= 0 && indent.length !== dash) return null;
      dash = indent.length;
      entries.push({});
    } else if (dash < 0 || indent.length !== dash + 2) return null;
    // A bullet with more than one blank moves the keys of its entry: not the shape that programs write.
    if (bullet !== undefined && bullet.length !== 2) return null;
    const entry = entries.at(-1);
    if (entry === undefined || key in entry) return null;
    entry[key] = value[1] ?? value[2] ?? value[3] ?? '';
  }
  return entries;
}
