/** What the server needs of this room: the protocol, and its own side of the link. The agent itself is `main.ts`. */
export * from './protocol.ts';
export {
  type AgentHandlers,
  AgentLink,
  AgentLinkError,
  type ConnectOptions,
  connectAgent,
  type LinkErrorCode,
  type RequestOptions,
} from './server-link.ts';
