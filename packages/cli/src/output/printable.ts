/**
 * What a terminal would obey or hide instead of showing: control characters but for line break and tab, marks of
 * direction (a name with U+202E in it reads backwards), blanks without width, and what breaks lines unseen.
 */
const UNPRINTABLE =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/**
 * Text that others wrote as a terminal may show it: `\x1b[31m`, `\u202e`. Line breaks and tabs stay. What is
 * printable already comes back as it is.
 */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** The same where there is room for one line: every run of blanks is one blank. */
export function printableLine(text: string): string {
  return printable(text.replace(/[ \t\n\r]+/g, ' ').trim());
}
