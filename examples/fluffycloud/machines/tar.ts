/** A file to be put onto a machine. */
export interface TarFile {
  /** Without a leading slash, at most 100 bytes. */
  readonly path: string;
  readonly mode: number;
  readonly content: string;
}

/** A tar archive of files and of the directories that they are in, all of root. */
export function tarOf(files: readonly TarFile[]): Buffer {
  const blocks: Buffer[] = [];
  const directories = new Set<string>();
  for (const file of files) {
    const parts = file.path.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth += 1) {
      const directory = `${parts.slice(0, depth).join('/')}/`;
      if (directories.has(directory)) continue;
      directories.add(directory);
      // sshd takes no keys from a directory that others may look into.
      blocks.push(header(directory, directory.endsWith('.ssh/') ? 0o700 : 0o755, 0, '5'));
    }
    const content = Buffer.from(file.content);
    blocks.push(header(file.path, file.mode, content.length, '0'), content);
    blocks.push(Buffer.alloc((512 - (content.length % 512)) % 512));
  }
  blocks.push(Buffer.alloc(1024));
  return Buffer.concat(blocks);
}

/** POSIX ustar: see pax(1). */
function header(path: string, mode: number, size: number, type: '0' | '5'): Buffer {
  const block = Buffer.alloc(512);
  if (Buffer.byteLength(path) > 100) throw new Error(`the path ${path} is longer than 100 bytes`);
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;
  block.write(path, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(Math.floor(Date.now() / 1000), 12), 136);
  block.write('        ', 148);
  block.write(type, 156);
  block.write('ustar\0' + '00', 257);
  block.write(
    `${block
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  );
  return block;
}
