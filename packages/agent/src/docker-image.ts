import type { WorkSpec } from '@berth/core/job-spec';
import type { ImageInfo } from './container-spec.ts';
import { DockerAway, type DockerClient, DockerError } from './docker-client.ts';
import type { ReportStep } from './driver.ts';
import { JobFailure, messageOf } from './failure.ts';

/** A registry that says nothing for so long has forgotten us. A large layer is reported several times a second. */
const SILENCE_MS = 10 * 60_000;
/** Progress is for people, who need no more than this. */
const REPORT_MS = 1_000;

/**
 * Makes sure that an image is on this machine, pulling it unless it is, and tells what it says of
 * itself. Every failure is an `image-error` that says what to do.
 */
export async function ensureImage(
  docker: DockerClient,
  work: WorkSpec,
  report: ReportStep,
  signal: AbortSignal,
): Promise<ImageInfo> {
  const image = work.image ?? '';
  if (!isReference(image)) {
    throw new JobFailure(
      'image-error',
      `${JSON.stringify(image)} is not the name of an image. One looks like \`ubuntu:24.04\` or \`registry.example:5000/team/image@sha256:…\`.`,
    );
  }
  try {
    const present = await inspectImage(docker, image);
    if (present !== null) return present;
    await pull(docker, work, report, signal);
    const pulled = await inspectImage(docker, image);
    if (pulled === null) throw new DockerError(404, 'it was pulled, but it is not there');
    return pulled;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DockerAway) {
      throw new JobFailure('image-error', `${error.message} ${withoutDocker(image)}`, error);
    }
    const hint = 'Check its name, and `registry_auth` if it is private.';
    throw new JobFailure('image-error', `The image ${image} cannot be had: ${messageOf(error)}. ${hint}`, error);
  }
}

/**
 * Only characters that a reference can have, and no part that a path would take for a step up: what
 * else is wrong with it the engine says itself.
 */
function isReference(image: string): boolean {
  return /^[\w.:/@[\]-]+$/.test(image) && !image.split('/').some((part) => part === '' || /^\.+$/.test(part));
}

export function withoutDocker(image: string): string {
  return `The image ${image} needs one: install and start Docker on this machine, or remove \`image\` to run the commands on the machine itself.`;
}

/** Splits `name[:tag|@digest]`; without a tag Docker would fetch all of them. */
export function splitReference(image: string): { readonly fromImage: string; readonly tag: string } {
  if (image.includes('@')) return { fromImage: image, tag: '' };
  const colon = image.lastIndexOf(':');
  // A colon before a slash belongs to the registry's port.
  if (colon === -1 || colon < image.lastIndexOf('/')) return { fromImage: image, tag: 'latest' };
  return { fromImage: image.slice(0, colon), tag: image.slice(colon + 1) };
}

async function inspectImage(docker: DockerClient, image: string): Promise<ImageInfo | null> {
  try {
    const answer = (await docker.json(`/images/${encodeURIComponent(image)}/json`)) as {
      readonly Config?: {
        readonly User?: string;
        readonly WorkingDir?: string;
        readonly Env?: readonly string[] | null;
      } | null;
    }; // the engine's own schema
    const config = answer.Config;
    const path = config?.Env?.find((line) => line.startsWith('PATH='));
    return { user: config?.User ?? '', workingDir: config?.WorkingDir ?? '', searchPath: path?.slice(5) ?? null };
  } catch (error) {
    if (error instanceof DockerError && error.status === 404) return null;
    throw error;
  }
}

async function pull(docker: DockerClient, work: WorkSpec, report: ReportStep, signal: AbortSignal): Promise<void> {
  report('image', null);
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const stream = await docker.stream('/images/create', {
      method: 'POST',
      query: splitReference(work.image ?? ''),
      headers: registryHeader(work.registryAuth),
      signal: AbortSignal.any([signal, silence.signal]),
    });
    const layers = new LayerProgress();
    let reportedAt = Number.NEGATIVE_INFINITY;
    for await (const message of jsonLines(stream)) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS);
      // A failed pull has begun with status 200; its error comes as a message.
      if (message.error !== undefined) throw new Error(message.error);
      layers.add(message);
      if (performance.now() - reportedAt < REPORT_MS) continue;
      reportedAt = performance.now();
      report('image', layers.part());
    }
  } catch (error) {
    if (silence.signal.aborted) throw new Error(`the registry was silent for ${SILENCE_MS / 60_000} minutes`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function registryHeader(auth: WorkSpec['registryAuth']): Readonly<Record<string, string>> {
  if (auth === null) return {};
  const json = JSON.stringify({ username: auth.username, password: auth.password });
  return { 'X-Registry-Auth': Buffer.from(json).toString('base64url') };
}

interface PullMessage {
  readonly id?: string;
  readonly error?: string;
  readonly status?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

/** How much of the layers whose size is known was downloaded. */
class LayerProgress {
  readonly #layers = new Map<string, { readonly current: number; readonly total: number }>();

  add(message: PullMessage): void {
    const { id, status, progressDetail: detail } = message;
    if (id === undefined) return;
    const known = this.#layers.get(id);
    if (status === 'Downloading' && detail?.current !== undefined && detail.total !== undefined) {
      this.#layers.set(id, { current: detail.current, total: detail.total });
    } else if (known !== undefined && (status === 'Download complete' || status === 'Pull complete')) {
      this.#layers.set(id, { current: known.total, total: known.total });
    }
  }

  part(): number | null {
    let current = 0;
    let total = 0;
    for (const layer of this.#layers.values()) {
      current += layer.current;
      total += layer.total;
    }
    return total === 0 ? null : current / total;
  }
}

async function* jsonLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<PullMessage> {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as PullMessage; // the engine's own schema
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as PullMessage;
}
