import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Answer } from './api-call.ts';
import { ApiError } from './api-error.ts';
import type { Cloud } from './cloud.ts';
import { faultSchema, isCallFault } from './fault.ts';
import { parseBody } from './launch-request.ts';

const keySchema = z.strictObject({
  name: z.string().min(1).max(60),
  read_only: z.boolean().default(false),
  expires_in_s: z.number().optional(),
});

export interface AdminCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

/** Everything under /admin. `destroy` is what `DELETE /admin` does after it is answered. */
export async function admin(cloud: Cloud, call: AdminCall, destroy: () => Promise<void>): Promise<Answer> {
  if (!sameText(call.authorization ?? '', `Bearer ${cloud.adminToken}`)) {
    throw new ApiError('key-invalid', 'this is not the admin token');
  }
  switch (`${call.method} ${call.path}`) {
    case 'POST /admin/keys': {
      const wanted = parseBody(keySchema, call.body);
      const now = Date.now();
      const expiresAt = wanted.expires_in_s === undefined ? null : now + Math.round(wanted.expires_in_s * 1000);
      const key = cloud.keys.create({ name: wanted.name, readOnly: wanted.read_only, expiresAt }, now);
      return {
        status: 201,
        body: {
          id: key.id,
          key: key.key,
          name: key.name,
          read_only: key.readOnly,
          expires_at: key.expiresAt === null ? null : new Date(key.expiresAt).toISOString(),
        },
      };
    }
    case 'GET /admin/machines':
      return { status: 200, body: { machines: await cloud.report(call.query.get('all') === '1') } };
    case 'GET /admin/faults':
      return { status: 200, body: cloud.faults.toJson() };
    case 'POST /admin/faults': {
      const fault = parseBody(faultSchema, call.body);
      if (isCallFault(fault)) return { status: 201, body: { id: cloud.faults.arm(fault) } };
      cloud.change(fault);
      return { status: 200, body: {} };
    }
    case 'DELETE /admin/faults':
      cloud.faults.disarm();
      return { status: 200, body: {} };
    case 'DELETE /admin':
      await destroy();
      return { status: 200, body: {} };
    default:
      throw new ApiError('no-such-route', `there is no ${call.method} ${call.path}`);
  }
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
