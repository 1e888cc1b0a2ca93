/**
 * What those who add a cloud have done on this machine, without a server: a new folder, the conformance kit. An entry of its
 * own, built together with server and backends, so that all of them know each other's classes.
 */
import type { BackendTool, BackendToolModule, BackendToolOptions } from '@berth/core/backend-tool';
import { offerBerth } from './backends/own-packages.ts';
import { checkBackend, cleanBackend, ruleInfos } from './backends/tool/check.ts';
import { createBackend } from './backends/tool/create.ts';

export async function openBackendTool(options: BackendToolOptions): Promise<BackendTool> {
  return {
    create: (what) => createBackend(options, what),
    rules: async () => ruleInfos(),
    check: (name, how, told) => checkBackend(options, name, how, told),
    clean: (name, how) => cleanBackend(options, name, how),
  };
}

/** For a process that imports a backend and nothing else. */
export { offerBerth };

/** That this is what the command line expects. */
export default { openBackendTool } satisfies BackendToolModule;
