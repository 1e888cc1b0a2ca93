import type { Logger } from '@berth/backend';

const silent = (): void => undefined;

export const QUIET_LOG: Logger = { debug: silent, info: silent, warn: silent, error: silent };
