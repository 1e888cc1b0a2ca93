import type { CatalogTool, CatalogToolModule } from '@berth/core/catalog-tool';
import { BerthError, type BerthErrorOptions, type ErrorCode } from '@berth/core/errors';
import type { Context } from '../context.ts';
import { catalogToolModule } from '../installation.ts';
import { Interrupts } from '../interrupts.ts';
import { statusLine } from '../output/status-line.ts';
import { styledError } from '../output/style.ts';
import { say } from '../output/write.ts';

/**
 * Lets `use` work on the catalog of this machine. How far it is shows on standard error; Ctrl-C ends it and
 * leaves nothing half-written.
 * @throws BerthError, or a `Reported` after Ctrl-C
 */
export async function withCatalogTool<T>(context: Context, use: (tool: CatalogTool) => Promise<T>): Promise<T> {
  using interrupts = new Interrupts();
  const { signal } = interrupts;
  const line = statusLine(process.stderr);
  try {
    // Its own build says what it exports, and its version is ours.
    const module = (await import(catalogToolModule())) as CatalogToolModule;
    const { env, cwd, home } = context;
    const tool = await module.openCatalogTool({
      home: home.root,
      env,
      cwd,
      signal,
      progress: (text) => line.show(text),
      warn: (text) => {
        line.clear();
        say(`${styledError('yellow', 'warning:')} ${text}\n`);
      },
    });
    return await use(tool);
  } catch (error) {
    // Whatever an aborted piece of work threw, the reason is that it was aborted.
    throw signal.aborted ? signal.reason : ours(error);
  } finally {
    line.clear();
  }
}

/** In an installed package the tool brings a class of errors of its own: name and code tell what it is. */
function ours(error: unknown): unknown {
  if (error instanceof BerthError || !(error instanceof Error) || error.name !== 'BerthError') return error;
  const { code, message, hint, issues, details } = error as Error & BerthErrorOptions & { code: ErrorCode }; // by its name
  return new BerthError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(issues === undefined ? {} : { issues }),
    ...(details === undefined ? {} : { details }),
    cause: error,
  });
}
