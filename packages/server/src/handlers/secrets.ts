import { BerthError } from '@berth/core/errors';
import { newId } from '@berth/core/ids';
import { nearestWord } from '@berth/core/nearest';
import { Secret } from '@berth/core/secret';
import type { ProjectRow, SecretRow } from '@berth/store';
import type { HandlersOf } from '../http/call.ts';
import type { ServerParts } from './parts.ts';

/** As `${{ secrets.NAME }}` can name it. */
const NAME = /^[A-Za-z0-9_-]{1,100}$/;

export function secretHandlers(
  parts: ServerParts,
): HandlersOf<'secret.list' | 'secret.put' | 'secret.get' | 'secret.delete'> {
  const { store, clock, random, sealer, recordEvent } = parts;

  const all = (project: ProjectRow): Promise<SecretRow[]> =>
    store.read.secrets.find({ where: { projectId: project.id }, orderBy: ['name', 'asc'] });

  async function unknown(project: ProjectRow, name: string): Promise<BerthError> {
    const near = nearestWord(
      name,
      (await all(project)).map((secret) => secret.name),
    );
    return new BerthError('not-found', `There is no secret \`${name}\` in \`${project.name}\`.`, {
      hint: near === null ? `Make it with \`berth secret set ${name}\`.` : `Did you mean \`${near}\`?`,
    });
  }

  return {
    'secret.list': async ({ access }) =>
      (await all(access.project)).map(({ name, updatedAt }) => ({ name, updated_at: updatedAt })),

    'secret.put': async ({ caller, access: { project }, params, body }) => {
      const name = params.secret;
      if (!NAME.test(name)) {
        throw new BerthError('invalid-request', 'A secret’s name is of letters, digits, `_` and `-`, 100 at most.');
      }
      const now = clock.now();
      const ciphertext = sealer.seal(new Secret(body.value));
      await store.transaction(async (tables) => {
        const before = await tables.secrets.first({ where: { projectId: project.id, name } });
        const secret =
          before === null
            ? await tables.secrets.insert({
                id: newId<'SecretId'>(now, random),
                projectId: project.id,
                name,
                ciphertext,
                createdAt: now,
                updatedAt: now,
              })
            : await tables.secrets.update(before.id, before.version, { ciphertext, updatedAt: now });
        await recordEvent(tables, {
          projectId: project.id,
          actor: caller.user.id,
          kind: before === null ? 'secret.created' : 'secret.changed',
          message: `Secret ${name} was ${before === null ? 'made' : 'changed'}.`,
          ...target(secret),
        });
      });
      return {};
    },

    'secret.get': async ({ access: { project }, params }) => {
      const secret = await store.read.secrets.first({ where: { projectId: project.id, name: params.secret } });
      if (secret === null) throw await unknown(project, params.secret);
      return { name: secret.name, value: sealer.open(secret.ciphertext).reveal(), updated_at: secret.updatedAt };
    },

    'secret.delete': async ({ caller, access: { project }, params }) => {
      const found = await store.read.secrets.first({ where: { projectId: project.id, name: params.secret } });
      if (found === null) throw await unknown(project, params.secret);
      await store.transaction(async (tables) => {
        if ((await tables.secrets.delete({ id: found.id })) === 0) return;
        await recordEvent(tables, {
          projectId: project.id,
          actor: caller.user.id,
          kind: 'secret.deleted',
          message: `Secret ${found.name} was deleted.`,
          ...target(found),
        });
      });
      return {};
    },
  };
}

const target = (secret: SecretRow) => ({ targetKind: 'secret' as const, targetId: secret.id, targetName: secret.name });
