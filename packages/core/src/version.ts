/** The version of Berth, of its API and of the protocol between server and agent. */
export const VERSION = '0.1.0';
export const API_VERSION = 1;
