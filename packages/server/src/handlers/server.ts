import { API_VERSION, VERSION } from '@berth/core/version';
import type { HandlersOf } from '../http/call.ts';
import type { ServerParts } from './parts.ts';

export function serverHandlers({ info }: ServerParts): HandlersOf<'server.info' | 'server.openapi'> {
  return {
    'server.info': async () => ({
      version: VERSION,
      api: API_VERSION,
      installation: info.installation,
      pid: info.pid,
      started_at: info.startedAt,
    }),
    // Rarely asked for, and some megabytes of schemas while it is made.
    'server.openapi': async () => (await import('../openapi.ts')).openApiDocument(),
  };
}
