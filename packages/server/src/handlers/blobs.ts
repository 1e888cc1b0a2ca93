import { BerthError } from '@berth/core/errors';
import type { BlobHash } from '@berth/core/ids';
import { tooLarge } from '../blobs/blob-store.ts';
import type { HandlersOf } from '../http/call.ts';
import type { ServerParts } from './parts.ts';

export function blobHandlers({ blobs }: ServerParts): HandlersOf<'blob.missing' | 'blob.put'> {
  return {
    'blob.missing': async ({ access: { project }, body }) => ({
      // The schema has checked that these are SHA-256 in hex.
      missing: await blobs.missing(project.id, body.hashes as BlobHash[]),
    }),

    'blob.put': async ({ access: { project }, params, headers }, body) => {
      if (!/^[0-9a-f]{64}$/.test(params.hash)) {
        throw new BerthError('invalid-request', 'A blob is stored under its SHA-256 in lower-case hex.');
      }
      // Known beforehand, most often: then nothing needs to be sent to learn it.
      if (Number(headers['content-length'] ?? 0) > blobs.maxBytes) throw tooLarge(blobs.maxBytes);
      await blobs.put(project.id, params.hash as BlobHash, body);
      return {};
    },
  };
}
