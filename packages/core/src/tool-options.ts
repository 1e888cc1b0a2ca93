/** What the command line gives to a tool that works on this machine, without a server. */
export interface ToolOptions {
  /** `BERTH_HOME`. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths begin here. */
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** How far it is, for a person who waits. */
  readonly progress: (message: string) => void;
  /** What a person should know although the work went on. */
  readonly warn: (message: string) => void;
}
