import { BackendError } from './backend-error.ts';

/** Stands where a scaffolded backend has still to be written. @throws BackendError always */
export function notYet(what: string): never {
  throw new BackendError('config', `Not written yet: ${what}.`);
}
