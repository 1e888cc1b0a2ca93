import type { CatalogTool, CatalogToolModule } from '@berth/core/catalog-tool';
import type { Context } from '../context.ts';
import { catalogToolModule } from '../installation.ts';
import { withTool } from '../with-tool.ts';

/**
 * Lets `use` work on the catalog of this machine.
 * @throws BerthError, or a `Reported` after Ctrl-C
 */
export async function withCatalogTool<T>(context: Context, use: (tool: CatalogTool) => Promise<T>): Promise<T> {
  return await withTool(context, async (options) => {
    // Its own build says what it exports, and its version is ours.
    const module = (await import(catalogToolModule())) as CatalogToolModule;
    return await use(await module.openCatalogTool(options));
  });
}
