/** What one check works with. It keeps what was done, for the report, and what was made, for the cleaning up. */
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InstanceId, Offer } from '@berth/core';
import { asBackendError, type BackendError } from '../backend-error.ts';
import type { Call, CloudInstance, Compute, CreateRequest, Facet, InstanceRef } from '../contract.ts';
import { machineName, ownerTags, tokenOfName, tokenOfTags } from '../machine-name.ts';
import type { ConfiguredBackend } from '../registry.ts';
import type { CallFault, Fake, FakeMachine, Operation, Situation } from './fake.ts';
import { kitAgentStart } from './kit-agent.ts';
import { type Made, removeMade } from './remove-made.ts';
import { expect, Failed, skip, wordsOf } from './rule.ts';
import type { ConfigureOptions, Stage } from './stage.ts';

export type RequestParts = Partial<Omit<CreateRequest, 'token'>> & { readonly token?: string };

export class Bench {
  readonly stage: Stage;
  readonly check: string;
  /** What was done, in order. */
  readonly steps: string[] = [];
  readonly #made = new Map<string, Made>();
  readonly #signal: AbortSignal;

  constructor(stage: Stage, check: string, signal: AbortSignal) {
    this.stage = stage;
    this.check = check;
    this.#signal = signal;
  }

  /** Machines of others, planted by any check. */
  get planted(): Set<string> {
    return this.stage.planted;
  }

  get isLive(): boolean {
    return this.stage.options.fake === null;
  }

  /** @throws Skipped: on a real account nobody sees behind the API */
  get fake(): Fake {
    return this.stage.options.fake ?? skip('only a fake can show it');
  }

  did(step: string): void {
    if (this.steps.length < 60) this.steps.push(step);
  }

  call(signal: AbortSignal = this.#signal): Call {
    const quiet = (): void => {};
    return { signal, log: { debug: quiet, info: quiet, warn: quiet, error: quiet } };
  }

  async backend(): Promise<ConfiguredBackend> {
    return await this.stage.backend();
  }

  /** Another server of the same account, or one with other deadlines. */
  async another(options: ConfigureOptions): Promise<ConfiguredBackend> {
    await this.backend();
    return await this.stage.configure(this.stage.goodEntry(), options);
  }

  async facet<F extends Facet>(name: F): Promise<NonNullable<Compute[F]>> {
    return (await this.backend()).compute[name] ?? skip(`it has no facet \`${name}\``);
  }

  /** The cheapest that fits and may be had. @throws Skipped when there is none */
  async offer(fits: (offer: Offer) => boolean = () => true, words = 'offer'): Promise<Offer> {
    const offers = await this.stage.offers();
    const may = (offer: Offer): boolean => !['not-available', 'no-quota', 'busy'].includes(offer.availability);
    const fitting = offers.filter((offer) => may(offer) && fits(offer));
    return (
      fitting.find(({ capacityType }) => capacityType === 'on-demand') ?? fitting[0] ?? skip(`there is no ${words}`)
    );
  }

  async request(parts: RequestParts = {}): Promise<CreateRequest> {
    const { stage } = this;
    const backend = await this.backend();
    const token = parts.token ?? stage.newToken();
    const instance = `i-${token}` as InstanceId; // nobody reads the kit's ids but the backend
    const offer = parts.offer ?? (await this.offer());
    const { dir } = stage.options;
    const { authorizedKey, registryPassword, installation } = stage;
    return {
      instance,
      token,
      name: machineName(installation, token),
      tags: { ...ownerTags({ installation, token, instance }), purpose: 'conformance' },
      offer,
      agentStart: await kitAgentStart(backend.agentStart, { dir, token, authorizedKey, registryPassword }),
      shared: await this.#sharedOf(offer.region, backend),
      placementGroup: null,
      reservation: null,
      ...parts,
    };
  }

  async create(request?: CreateRequest, backend?: ConfiguredBackend, call = this.call()): Promise<CloudInstance> {
    const wanted = request ?? (await this.request());
    const by = backend ?? (await this.backend());
    await this.expectMachines([wanted], by);
    this.did(`create ${wanted.name} (${wanted.offer.instanceType} in ${wanted.offer.region})`);
    const machine = await by.compute.create(wanted, call);
    await this.book(wanted, machine);
    return machine;
  }

  /** Puts machines on the kit's books before they are asked for; whatever comes of that is cleaned up. */
  async expectMachines(requests: readonly CreateRequest[], backend?: ConfiguredBackend): Promise<void> {
    const by = backend ?? (await this.backend());
    const { live } = this.stage.options;
    for (const request of requests) {
      if (this.#made.has(request.token)) continue;
      live?.purse.pay(request.offer.pricePerHour);
      await live?.journal.willMake(request);
      this.#made.set(request.token, { request, backend: by, cloudIds: new Set() });
    }
  }

  async book(request: CreateRequest, machine: CloudInstance): Promise<void> {
    this.#made.get(request.token)?.cloudIds.add(machine.cloudId);
    await this.stage.options.live?.journal.made(request.token, machine.cloudId);
  }

  /** The error that a call must end with. */
  async refusal(what: string, run: () => Promise<unknown>): Promise<BackendError> {
    let answer: unknown;
    try {
      answer = await run();
    } catch (error) {
      if (error instanceof Error && (error.name === 'Skipped' || error.name === 'Failed')) throw error;
      return asBackendError(error);
    }
    throw new Failed(`${what} to be refused`, `an answer: ${JSON.stringify(answer) ?? 'nothing'}`);
  }

  async list(backend?: ConfiguredBackend): Promise<readonly CloudInstance[]> {
    return await (backend ?? (await this.backend())).compute.list(this.call());
  }

  async found(token: string): Promise<CloudInstance | null> {
    return (await this.list()).find((machine) => machine.token === token) ?? null;
  }

  refOf(request: CreateRequest, machine: Pick<CloudInstance, 'cloudId'>): InstanceRef {
    return { cloudId: machine.cloudId, token: request.token, region: request.offer.region, zone: request.offer.zone };
  }

  async terminate(ref: InstanceRef): Promise<void> {
    this.did(`terminate ${ref.cloudId}`);
    await (await this.backend()).compute.terminate(ref, this.call());
  }

  /** Created, and listed as running. */
  async running(request?: CreateRequest): Promise<{
    readonly request: CreateRequest;
    readonly machine: CloudInstance;
    readonly ref: InstanceRef;
  }> {
    const wanted = request ?? (await this.request());
    const made = await this.create(wanted);
    const machine = await this.until('`list` to show it running', async () => {
      const told = await this.found(wanted.token);
      return told?.state === 'running' ? told : null;
    });
    return { request: wanted, machine, ref: this.refOf(wanted, made) };
  }

  /** What exists: the fake's own books, on a real account its list. */
  async truth(): Promise<readonly FakeMachine[]> {
    const { fake } = this.stage.options;
    if (fake !== null) return await fake.machines();
    return (await this.list()).map(({ cloudId, name, state, region, zone }) => {
      const billed = state !== 'terminated';
      return { cloudId, name, tags: {}, state, billed, instanceType: '', region, zone };
    });
  }

  /** Machines of this token that cost something, by tag, by name, or by an id that we were told. */
  async billed(request: CreateRequest): Promise<readonly FakeMachine[]> {
    const ids = this.#made.get(request.token)?.cloudIds;
    const { installation } = this.stage;
    const truth = await this.truth();
    return truth.filter(({ billed, cloudId, tags, name }) => {
      const token = tokenOfTags(tags, installation) ?? tokenOfName(name, installation);
      return billed && (ids?.has(cloudId) === true || token === request.token || name === request.name);
    });
  }

  async untilGone(request: CreateRequest): Promise<void> {
    await this.until(`nothing of ${request.name} to be billed`, async () =>
      (await this.billed(request)).length === 0 ? true : null,
    );
  }

  /** Asks until there is an answer. @throws Failed when there is none in time */
  async until<T>(expected: string, probe: () => Promise<T | null>, patienceMs = this.patienceMs): Promise<T> {
    const end = Date.now() + patienceMs;
    for (;;) {
      const answer = await probe();
      if (answer !== null) return answer;
      expect(Date.now() < end, expected, `nothing of the kind within ${patienceMs / 1000} s`);
      await this.pass(this.stage.pace.pollMs);
    }
  }

  get patienceMs(): number {
    const { live } = this.stage.options;
    return Math.min(this.stage.pace.patienceMs, live?.purse.remainingMs ?? Number.POSITIVE_INFINITY);
  }

  async pass(ms: number): Promise<void> {
    const { fake } = this.stage.options;
    if (fake?.pass === undefined) await sleep(ms, undefined, { signal: this.#signal });
    else await fake.pass(ms);
  }

  /** @throws Skipped when the fake does not know it */
  async situation(what: Situation): Promise<void> {
    this.did(`the cloud: ${what.kind}`);
    const { fake } = this;
    if (fake.situation !== undefined && fake.reset === undefined)
      skip('the fake cannot end a situation: it has no `reset`');
    if ((await fake.situation?.(what)) !== true) skip(`the fake has no situation \`${what.kind}\``);
  }

  /** Arms a fault for the next call of an operation; of several requests it meets the one that changes something. */
  async fault(operation: Operation, fault: CallFault): Promise<void> {
    const { fake, stage } = this;
    this.did(`the next ${operation}: ${fault.kind}`);
    if ((await fake.fault?.(operation, fault)) === true) return;
    const { proxies } = stage.options;
    if (proxies.length === 0)
      skip(`the fake has no fault \`${fault.kind}\`, and no HTTP server that one could be put before`);
    const changes = fake.changes ?? (({ method }) => method !== 'GET' && method !== 'HEAD');
    for (const proxy of proxies) proxy.arm(fault, CHANGING.test(operation) ? changes : () => true);
  }

  /** Skips the rest when no request met what was armed: then nothing was shown. */
  requireMet(): void {
    const { proxies } = this.stage.options;
    if (proxies.length > 0 && proxies.every(({ armed }) => armed > 0))
      skip('no request of the call could be met by the fault');
    for (const proxy of proxies) proxy.disarm();
  }

  /** Ends every fault and situation. */
  async calm(): Promise<void> {
    for (const proxy of this.stage.options.proxies) proxy.disarm();
    await this.stage.options.fake?.reset?.();
  }

  /** Removes what was made. What is left is remembered as a leak. */
  async clean(): Promise<void> {
    await this.calm().catch((error: unknown) => this.did(`the fake could not be reset: ${wordsOf(error)}`));
    const left = await Promise.all([...this.#made.values()].map((made) => removeMade(this, made)));
    for (const cloudId of left.flat()) this.stage.leaks.set(cloudId, this.check);
    await rm(`${this.stage.options.dir}/agents`, { recursive: true, force: true });
  }

  async #sharedOf(region: string, backend: ConfiguredBackend): Promise<CreateRequest['shared']> {
    const { bootstrap } = backend.compute;
    if (bootstrap === undefined) return null;
    const known = this.stage.shared.get(region);
    if (known !== undefined) return known;
    if (bootstrap.whenUnused === 'remove') await this.stage.options.live?.journal.willShare(region);
    const shared = await bootstrap.ensure(region, this.call());
    this.stage.shared.set(region, shared);
    return shared;
  }
}

/** Calls of the contract that change something, by their last word. */
const CHANGING = /(?:^|\.)(?:create|terminate|stop|start|open|close|delete|attach|detach|ensure|remove|register)$/;
