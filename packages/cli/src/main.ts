/** The command line's entry. Loads nothing but what the command that was called needs. */
import { dispatch } from './dispatch.ts';

process.exitCode = await dispatch(process.argv.slice(2));
