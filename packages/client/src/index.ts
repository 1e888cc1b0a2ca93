export { type ArtifactDownload, openArtifacts } from './artifacts.ts';
export { realWaiter, type Waiter } from './back-off.ts';
export { type Blob, type UploadOptions, uploadBlobs } from './blobs.ts';
export { type Client, type ClientOptions, createClient } from './client.ts';
export { events, type LogChunk, type LogPosition, logs, watch } from './follow.ts';
export { formatBytes } from './format-bytes.ts';
export { nodeHttpTransport } from './node-http-transport.ts';
export type { StreamOptions } from './resume.ts';
export { type Transport, TransportError, type TransportRequest, type TransportResponse } from './transport.ts';
