import type { JobId, ProjectId } from '@berth/core/ids';
import type { ReadTables } from '@berth/store';
import type { Notices } from '../events/notices.ts';

/** Tells the projects whose logs cannot be written so, once per episode each, and when it is over. */
export class LogProblemNotices {
  readonly #read: ReadTables;
  readonly #notices: Notices;
  /** By project: its name. */
  readonly #told = new Map<ProjectId, string>();

  constructor(read: ReadTables, notices: Notices) {
    this.#read = read;
    this.#notices = notices;
  }

  async problem(id: JobId, message: string): Promise<void> {
    const job = await this.#read.jobs.get(id);
    const project = job === null ? null : await this.#read.projects.get(job.projectId);
    if (job === null || project === null || this.#told.has(project.id)) return;
    this.#told.set(project.id, project.name);
    this.#notices.add({
      projectId: project.id,
      actor: null,
      kind: 'server.log-store-failing',
      message: `The log store cannot be written: ${message}. Jobs go on; their agents keep the logs until it can.`,
      targetKind: 'project',
      targetId: project.id,
      targetName: project.name,
      runId: job.runId,
    });
  }

  recovered(): void {
    for (const [id, name] of this.#told) {
      this.#notices.add({
        projectId: id,
        actor: null,
        kind: 'server.log-store-recovered',
        message: 'The log store can be written again; what the agents kept is being stored.',
        targetKind: 'project',
        targetId: id,
        targetName: name,
      });
    }
    this.#told.clear();
  }
}
