/** Machines of the simulated cloud by the rules of the contract. What is optional is in `sim-facets.ts`. */
import type { AgentAddress, Call, CloudInstance, Compute, CreateRequest, Facet } from '../contract.ts';
import type { ApiMachine } from './sim-api.ts';
import { type SimDriver, unlessGone } from './sim-driver.ts';
import { simFacets } from './sim-facets.ts';

/** @param facets those that it has; absent: all but `agent`, because its machines have something that starts it */
export function simCompute(driver: SimDriver, facets?: readonly Facet[]): Compute {
  const all = simFacets(driver);
  const chosen = Object.entries(all).filter(([name]) => facets === undefined || facets.some((facet) => facet === name));
  return {
    create: (request, call) => create(driver, request, call),
    list: (call) => list(driver, call),
    terminate: (ref, call) =>
      driver.send(call, (signal) => driver.api.terminate(ref.cloudId, signal)).catch(unlessGone), // C4
    ...Object.fromEntries(chosen),
  };
}

/** C1, C2: one request, which the cloud knows again by its token; name and tags are in it. */
export async function create(driver: SimDriver, request: CreateRequest, call: Call): Promise<CloudInstance> {
  const { token, name, tags, offer, agentStart, placementGroup, reservation, shared } = request;
  const network = typeof shared?.network === 'string' ? shared.network : null;
  const launch = { clientToken: token, name, tags, offer, agentStart, placementGroup, reservation, network };
  return instanceOf(driver, await driver.send(call, (signal) => driver.api.launch(launch, signal)));
}

/** C3 */
async function list(driver: SimDriver, call: Call): Promise<readonly CloudInstance[]> {
  const found: CloudInstance[] = [];
  for (const machine of await everyMachine(driver, call)) {
    if (!machine.isGateway && driver.tokenOf(machine) !== undefined) found.push(instanceOf(driver, machine));
  }
  return found;
}

/** Of all regions and all pages, whoever's they are. */
export async function everyMachine(driver: SimDriver, call: Call): Promise<readonly ApiMachine[]> {
  const { regions } = driver.cloud;
  const [only, ...others] = regions;
  if (only === undefined) return [];
  if (others.length === 0) return ofRegion(driver, only, call);
  return (await Promise.all(regions.map((region) => ofRegion(driver, region, call)))).flat();
}

async function ofRegion(driver: SimDriver, region: string, call: Call): Promise<readonly ApiMachine[]> {
  const pages: (readonly ApiMachine[])[] = [];
  let after: number | null = 0;
  while (after !== null) {
    const from: number = after;
    const page = await driver.send(call, (signal) => driver.api.page(region, from, signal));
    pages.push(page.machines);
    after = page.next;
  }
  return pages.length === 1 ? (pages[0] ?? []) : pages.flat();
}

export function instanceOf(driver: SimDriver, machine: ApiMachine): CloudInstance {
  const { cloudId, name, region, zone, state, internalIp } = machine;
  const token = driver.tokenOf(machine) ?? null;
  return { cloudId, token, name, region, zone, state, internalIp, address: addressOf(driver, machine, token) };
}

function addressOf(driver: SimDriver, machine: ApiMachine, token: string | null): AgentAddress | null {
  if (machine.publicIp === null) return null;
  if (driver.cloud.agentStart === 'process') return { kind: 'unix', path: token ?? machine.cloudId };
  return { kind: 'ssh', host: machine.publicIp, port: 22, user: 'ubuntu', hostKeys: [] };
}
