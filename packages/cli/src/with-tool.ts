import type { BackendToolOptions } from '@berth/core/backend-tool';
import type { CatalogToolOptions } from '@berth/core/catalog-tool';
import { BerthError, type BerthErrorOptions, type ErrorCode } from '@berth/core/errors';
import type { Context } from './context.ts';
import { Interrupts, type InterruptsOptions } from './interrupts.ts';
import { statusLine } from './output/status-line.ts';
import { styledError } from './output/style.ts';
import { say } from './output/write.ts';

type ToolOptions = CatalogToolOptions & BackendToolOptions;

/**
 * Lets `use` work with what does its work on this machine, without a server. How far it is shows on standard
 * error; Ctrl-C ends it and leaves nothing half-written.
 * @throws BerthError, or a `Reported` after Ctrl-C
 */
export async function withTool<T>(
  context: Context,
  use: (options: ToolOptions) => Promise<T>,
  how: InterruptsOptions = {},
): Promise<T> {
  using interrupts = new Interrupts(how);
  const { signal } = interrupts;
  const line = statusLine(process.stderr);
  try {
    const { env, cwd, home } = context;
    return await use({
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
