/** One project of one server, as `config.yml` names it. */
export interface ProjectEntry {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  readonly isDefault: boolean;
}
