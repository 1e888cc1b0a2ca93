import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { BlobHash } from '@berth/core/ids';

export interface TarEntry {
  readonly path: string;
  readonly content?: string;
  readonly type?: 'file' | 'directory' | 'symlink' | 'hardlink';
  readonly linkTo?: string;
  readonly mode?: number;
}

const TYPES = { file: '0', hardlink: '1', symlink: '2', directory: '5' } as const;

/** A gzip-compressed tar with exactly these entries, also such as no honest program would write. */
export function makeTar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? '');
    const header = Buffer.alloc(512);
    header.write(entry.path, 0, 100);
    header.write(`${(entry.mode ?? 0o644).toString(8).padStart(7, '0')}\0`, 100);
    header.write('0000000\0', 108);
    header.write('0000000\0', 116);
    header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('00000000000\0', 136);
    header.write('        ', 148);
    header.write(TYPES[entry.type ?? 'file'], 156);
    header.write(entry.linkTo ?? '', 157, 100);
    header.write('ustar\x0000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

export function blobOf(bytes: Uint8Array): { readonly hash: BlobHash; readonly bytes: Uint8Array } {
  return { hash: createHash('sha256').update(bytes).digest('hex') as BlobHash, bytes };
}
