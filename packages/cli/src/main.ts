/** The command line's entry. Loads nothing but what the command that was called needs. */
import { dispatch } from './dispatch.ts';

process.exitCode = await dispatch(process.argv.slice(2));

/** What a backend's module left behind, a timer or an open connection, must not keep a command that is done. */
const GRACE_MS = 2_000;
setTimeout(() => process.exit(), GRACE_MS).unref();
