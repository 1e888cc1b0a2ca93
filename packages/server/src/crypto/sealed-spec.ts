import type { RunSpec } from '@berth/core/job-spec';
import { Secret } from '@berth/core/secret';
import type { Sealer } from '@berth/engine';

/** What is shown in place of a password. */
const MASK = '[secret]';

/** Nothing but a reference to a secret, which is no secret itself. */
const REFERENCE = /^\$\{\{\s*secrets\.[A-Za-z0-9_-]+\s*\}\}$/;

/**
 * The spec as it may lie in the store: the password of an image's registry is sealed, in the work and
 * in the configuration. A password that `previous` (the live run of that name) has already keeps that
 * run's ciphertext, since two seals of one password differ and would look like a change.
 */
export function sealSpec(spec: RunSpec, sealer: Sealer, previous: RunSpec | null): RunSpec {
  const auth = spec.work.registryAuth;
  if (auth === null || REFERENCE.test(auth.password)) return spec;
  const before = previous?.work.registryAuth?.password ?? null;
  const kept = before !== null && opens(sealer, before) === auth.password ? before : null;
  const sealed = kept ?? sealer.seal(new Secret(auth.password));
  return {
    ...spec,
    work: { ...spec.work, registryAuth: { ...auth, password: sealed } },
    configuration: withPassword(spec.configuration, sealed),
  };
}

/** A configuration as people may see it. */
export const maskedConfiguration = (configuration: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  withPassword(configuration, MASK);

/** One value of a plan's change, at its path in the configuration, as people may see it. */
export function maskedChange(path: string, value: unknown): unknown {
  if (path === 'registry_auth.password') return typeof value === 'string' && !REFERENCE.test(value) ? MASK : value;
  if (path !== 'registry_auth') return value;
  return withPassword({ registry_auth: value }, MASK).registry_auth;
}

function withPassword(configuration: Readonly<Record<string, unknown>>, password: string): Record<string, unknown> {
  const auth = configuration.registry_auth;
  if (typeof auth !== 'object' || auth === null || !('password' in auth)) return { ...configuration };
  if (typeof auth.password === 'string' && REFERENCE.test(auth.password)) return { ...configuration };
  return { ...configuration, registry_auth: { ...auth, password } };
}

/** A key that is gone makes a new seal, not a refusal. */
function opens(sealer: Sealer, sealed: string): string | null {
  try {
    return sealer.open(sealed).reveal();
  } catch {
    return null;
  }
}
