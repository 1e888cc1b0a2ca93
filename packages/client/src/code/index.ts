/** Packing code and files. Apart from the client itself, because it brings libraries that few callers need. */
export * from './pack-code.ts';
export { type RemoteRepo, remoteCommit } from './remote-commit.ts';
export { openSpool, type Spool } from './spool.ts';
