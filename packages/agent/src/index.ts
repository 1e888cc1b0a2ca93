/** What the server needs of this room: the protocol, and its own side of the link. The agent itself is `main.ts`. */
export { AgentLinkError, type LinkErrorCode } from './link-error.ts';
export * from './protocol.ts';
export {
  type AgentHandlers,
  AgentLink,
  type ConnectOptions,
  connectAgent,
  type RequestOptions,
} from './server-link.ts';
