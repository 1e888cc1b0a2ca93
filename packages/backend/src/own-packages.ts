/**
 * A backend that lies in a folder without `node_modules` (in `BERTH_HOME`, say) still finds the contract that it is
 * written against: Berth's own copy. What the folder brings itself goes before.
 */
import { registerHooks } from 'node:module';

/** Where Berth's own copy of a package lies, as a URL; null: it has none. */
export type OwnPackage = (specifier: string) => string | null;

const OFFERED = /^(?:@berth\/(?:backend|catalog|core|http)(?:\/.*)?|zod(?:\/.*)?)$/;

let offered: OwnPackage | null = null;

/** From now on, whatever cannot find one of these packages gets Berth's. */
export function offerOwnPackages(own: OwnPackage): void {
  const first = offered === null;
  offered = own;
  if (!first) return;
  registerHooks({
    resolve(specifier, context, next) {
      if (!OFFERED.test(specifier)) return next(specifier, context);
      try {
        return next(specifier, context);
      } catch (error) {
        const url = offered?.(specifier) ?? null;
        if (url === null) throw error;
        return { url, shortCircuit: true };
      }
    },
  });
}
