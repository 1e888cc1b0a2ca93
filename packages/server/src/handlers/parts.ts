import type { Logger } from '@berth/backend';
import type { BackendView } from '@berth/core/api-schemas';
import type { Clock, ProjectId, RandomBytes } from '@berth/core/ids';
import type { Engine, Sealer } from '@berth/engine';
import type { Store } from '@berth/store';
import type { BackendAdmin } from '../backends/administer.ts';
import type { BlobStore } from '../blobs/blob-store.ts';
import type { CatalogService } from '../catalog/service.ts';
import type { Home } from '../config/home.ts';
import type { RecordEvent } from '../events/record.ts';
import type { RunChanges } from '../feeds/run-changes.ts';
import type { LogStore } from '../logs/log-store.ts';
import type { MetricsRing } from '../metrics/ring.ts';
import type { Names } from '../views/names.ts';

/** What handlers are made of. */
export interface ServerParts {
  readonly home: Home;
  readonly store: Store;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly log: Logger;
  readonly sealer: Sealer;
  readonly logs: LogStore;
  readonly metrics: MetricsRing;
  readonly blobs: BlobStore;
  readonly names: Names;
  readonly runChanges: RunChanges;
  readonly recordEvent: RecordEvent;
  readonly backends: {
    /** All that the project has or had, usable or not. */
    views(project: ProjectId): Promise<readonly BackendView[]>;
    /** Whether the project should have any, usable or not. */
    has(project: ProjectId): boolean;
    /** Whether config.yml names this project, so that it comes back when it is deleted. */
    isConfigured(projectName: string): boolean;
    /** Whether each backend of this type tells its offers itself: its own machines, or those of its account. */
    isOwned(type: string): boolean;
    /** Projects or admins have changed, and with them who has this machine. */
    refresh(): Promise<void>;
    /** Why the cloud cannot be asked about machines of this backend; null: it can. */
    outOfReach(project: ProjectId, backend: string): string | null;
  };
  readonly backendAdmin: Pick<BackendAdmin, 'types' | 'get' | 'put' | 'choices' | 'remove'>;
  readonly catalog: CatalogService;
  readonly info: ServerInfo;
}

export interface ServerInfo {
  readonly installation: string;
  readonly pid: number;
  readonly startedAt: number;
}
