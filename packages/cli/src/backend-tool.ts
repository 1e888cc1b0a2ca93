import type { BackendTool, BackendToolModule } from '@berth/core/backend-tool';
import type { Context } from './context.ts';
import { backendToolModule } from './installation.ts';
import type { InterruptsOptions } from './interrupts.ts';
import { withTool } from './with-tool.ts';

/**
 * Lets `use` work with the tool of those who add a cloud.
 * @throws BerthError, or a `Reported` after Ctrl-C
 */
export async function withBackendTool<T>(
  context: Context,
  use: (tool: BackendTool) => Promise<T>,
  how: InterruptsOptions = {},
): Promise<T> {
  return await withTool(
    context,
    async (options) => {
      // Its own build says what it exports, and its version is ours.
      const module = (await import(backendToolModule())) as BackendToolModule;
      return await use(await module.openBackendTool(options));
    },
    how,
  );
}
