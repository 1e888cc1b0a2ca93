export { type RunningServer, type StartOptions, startServer } from './compose.ts';
export { type Home, homeAt, homeRoot } from './config/home.ts';
