import {
  BackendError,
  type BackendErrorCode,
  type BackendRegistry,
  type ConfiguredBackend,
  formOf,
} from '@berth/backend';
import type { BackendChoicesView, BackendDetailView, BackendTypeView, BackendView } from '@berth/core/api-schemas';
import { BerthError, type ErrorCode } from '@berth/core/errors';
import type { ProjectId, UserId } from '@berth/core/ids';
import { nearestWord } from '@berth/core/nearest';
import type { BackendDirectory } from './directory.ts';
import { type BackendRecords, type Entry, machinesText } from './records.ts';
import { brokenView } from './slot.ts';

export interface AdministerOptions {
  readonly directory: BackendDirectory;
  readonly records: BackendRecords;
  /** Every backend that is installed. */
  readonly installed: () => Promise<BackendRegistry>;
  /** Path of config.yml, for messages. */
  readonly configFile: string;
}

/** As a name in config.yml. */
const NAME = /^[a-z][a-z0-9-]{0,59}$/;
/** More names than this are not typed, but looked up. */
const NAMES_TOLD = 5;

/** What people change about the backends of a project, as far as config.yml does not decide it. */
export class BackendAdmin {
  readonly #options: AdministerOptions;

  constructor(options: AdministerOptions) {
    this.#options = options;
  }

  async types(): Promise<BackendTypeView[]> {
    const registry = await this.#options.installed();
    const known = registry.types.flatMap((type): BackendTypeView[] => {
      const definition = registry.definition(type);
      if (definition === null) return [];
      const { title, kind, createsMachines, config, credentials } = formOf(definition);
      return [
        {
          ...{ type, title, kind, status: 'available', reason: null, creates_machines: createsMachines },
          config: { ...config },
          credentials: Object.entries(credentials).map(([name, schema]) => ({ kind: name, schema: { ...schema } })),
        },
      ];
    });
    const broken = registry.unavailable.map((one): BackendTypeView => {
      const { type, title, reason } = brokenView(one);
      return {
        ...{ type, title, kind: null, status: 'unavailable', reason, creates_machines: false },
        ...{ config: null, credentials: [] },
      };
    });
    return [...known.toSorted((a, b) => (a.type < b.type ? -1 : 1)), ...broken];
  }

  /** @throws BerthError `not-found` */
  async get(project: ProjectId, name: string): Promise<BackendDetailView> {
    const { directory } = this.#options;
    const view = (await directory.views(project)).find((one) => one.name === name);
    if (view === undefined) throw this.#unknown(project, name);
    const slot = directory.slot(project, name);
    const value = slot?.entry?.credentials.value;
    return {
      ...view,
      config: slot === null ? null : { ...slot.row.config },
      credentials:
        slot === null
          ? null
          : {
              kind: slot.row.credentialKind,
              fields: typeof value === 'object' && value !== null ? Object.keys(value).sort() : [],
            },
      created_at: slot?.row.createdAt ?? null,
    };
  }

  /**
   * New credentials are tried before the old ones are dropped: what the cloud refuses changes nothing.
   * @throws BerthError
   */
  async put(project: ProjectId, entry: Entry, actor: UserId): Promise<BackendView> {
    const { directory, records } = this.#options;
    await this.#refuseChange(project, entry);
    const ready = await this.#tried(project, entry, { keep: true });
    await directory.inTurn(async () => {
      await this.#refuseChange(project, entry);
      await this.#orRefused(entry, () => directory.admit(project, ready));
      const row = await records.write(project, entry, { source: 'api', actor });
      directory.install(project, row, entry, ready);
    });
    return this.get(project, entry.name);
  }

  /** @throws BerthError */
  async choices(project: ProjectId, entry: Entry): Promise<BackendChoicesView> {
    refuseName(entry.name);
    const { account, facets, choices } = await this.#tried(project, entry, { keep: false });
    return {
      account,
      facets: [...facets],
      choices: Object.fromEntries(
        Object.entries(choices).map(([field, some]) => [field, some.map((one) => ({ ...one }))]),
      ),
    };
  }

  /**
   * How many machines it is kept for; 0: it is gone.
   * @throws BerthError `conflict` while it holds machines, unless it may go once it is empty
   */
  async remove(
    project: ProjectId,
    name: string,
    { whenEmpty, actor }: { readonly whenEmpty: boolean; readonly actor: UserId },
  ): Promise<number> {
    const { directory, records } = this.#options;
    await directory.inTurn(async () => {
      const slot = directory.slot(project, name);
      if (slot === null) throw this.#unknown(project, name);
      if (slot.row.deletedAt !== null) return;
      if (slot.row.source !== 'api') throw this.#written(name, slot.view.source);
      // First it takes no more, then they are counted.
      const before = slot.usable;
      slot.usable = false;
      const held = await records.machinesOf(project, name);
      if (held.length > 0 && !whenEmpty) {
        slot.usable = before;
        throw stillHolds(
          name,
          held.map((machine) => machine.name),
        );
      }
      await directory.retire(project, slot, { source: 'api', actor });
    });
    return records.machines(project, name);
  }

  async #tried(project: ProjectId, entry: Entry, how: { readonly keep: boolean }): Promise<ConfiguredBackend> {
    return await this.#orRefused(entry, () => this.#options.directory.tryOut(project, entry, how));
  }

  async #orRefused<T>(entry: Entry, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw error instanceof BackendError ? refused(entry, error) : error;
    }
  }

  /** @throws BerthError */
  async #refuseChange(project: ProjectId, { name, type }: Entry): Promise<void> {
    refuseName(name);
    const slot = this.#options.directory.slot(project, name);
    if (slot === null) return;
    if (slot.view.source === 'config.yml' && slot.row.deletedAt === null) throw this.#written(name, 'config.yml');
    if (slot.row.type === type) return;
    const held = await this.#options.records.machinesOf(project, name);
    if (held.length === 0) return;
    throw new BerthError(
      'conflict',
      `Backend ${name} is a ${slot.row.type}, and ${machinesText(held.length)} held by it.`,
      { hint: `Give the ${type} another name.` },
    );
  }

  #written(name: string, source: BackendView['source']): BerthError {
    const { configFile } = this.#options;
    if (source === 'default') {
      const hint = `A file ${configFile} decides it: \`projects: [{ name: main, backends: [] }]\` is a project without any.`;
      return new BerthError('conflict', `Backend ${name} is what a server without a configuration has.`, { hint });
    }
    return new BerthError('conflict', `Backend ${name} is named in the server's config.yml, which decides it.`, {
      hint: `Change it in ${configFile}; the server reads it again by itself.`,
    });
  }

  #unknown(project: ProjectId, name: string): BerthError {
    const near = nearestWord(name, this.#options.directory.names(project));
    return new BerthError('not-found', `There is no backend ${name} in this project.`, {
      hint: near === null ? '`berth backend list` shows those that there are.' : `Did you mean \`${near}\`?`,
    });
  }
}

function refuseName(name: string): void {
  if (NAME.test(name)) return;
  throw new BerthError(
    'invalid-request',
    'A backend’s name begins with a lower-case letter; digits and dashes may follow.',
    {
      hint: 'It has 60 characters at most, for example `aws-research`.',
    },
  );
}

function stillHolds(name: string, machines: readonly string[]): BerthError {
  const shown = machines.slice(0, NAMES_TOLD).join(' ');
  const more = machines.length > NAMES_TOLD ? ` … (\`berth instance list\` shows all ${machines.length})` : '';
  return new BerthError('conflict', `${machinesText(machines.length)} held by backend ${name}: ${shown}${more}.`, {
    hint:
      `Give them back first: \`berth instance delete ${shown}\`${more}. Or let it take no new work and go when they ` +
      `are gone: \`berth backend delete ${name} --when-empty\`.`,
    details: { holds: machines.length, machines: machines.slice(0, NAMES_TOLD) },
  });
}

const CODES: Readonly<Partial<Record<BackendErrorCode, ErrorCode>>> = {
  auth: 'invalid-configuration',
  config: 'invalid-configuration',
  quota: 'invalid-configuration',
  'not-found': 'invalid-configuration',
  'rate-limited': 'rate-limited',
};

function refused({ name, type }: Entry, error: BackendError): BerthError {
  const code = CODES[error.code] ?? 'unavailable';
  const what = error.code === 'auth' ? 'The credentials are refused' : 'It cannot be used';
  return new BerthError(code, `${what} (backend ${name}, type ${type}): ${error.message}`, {
    hint:
      code === 'invalid-configuration'
        ? 'Nothing was stored. Correct it and try again.'
        : 'Nothing was stored. Try again later.',
    cause: error,
  });
}
