import type { CloudKnob } from './moves.ts';
import type { SimCloud } from './sim-cloud.ts';

/** What is turned at a cloud in the course of a history. Times are those of what begins from now on. */
export function setCloud({ truth }: SimCloud, what: CloudKnob, to: number): void {
  switch (what) {
    case 'capacity':
      truth.stock.capacity = to;
      break;
    case 'quota':
      truth.account.quota = to;
      break;
    case 'addressMs':
      truth.times.address = to;
      break;
    case 'bootMs':
      truth.times.boot = to;
      break;
    case 'terminateMs':
      truth.times.terminate = to;
      break;
    case 'visibleMs':
      truth.times.visible = to;
      break;
    case 'listedWhenGoneMs':
      truth.times.listedWhenGone = to;
      break;
    case 'spotLifeMs':
      truth.times.spotLife = to === 0 ? null : { kind: 'exponential', meanMs: to };
      break;
    case 'pageSize':
      truth.pageSize = to;
      break;
    case 'latencyMs':
      for (const call of ['create', 'list', 'terminate'] as const) {
        truth.latency[call] = to === 0 ? 0 : { kind: 'log-normal', medianMs: to, sigma: 1 };
      }
      break;
  }
}

/** All is well with it, and nothing of what was turned is left. */
export function mendCloud(cloud: SimCloud): void {
  const { truth } = cloud;
  truth.faults.clear();
  truth.accounts.restore();
  truth.account.quota = Number.POSITIVE_INFINITY;
  truth.stock.capacity = Number.POSITIVE_INFINITY;
  truth.stock.capacityOf.clear();
  Object.assign(truth.times, { address: 0, boot: 0, visible: 0, spotLife: null });
  for (const call of ['create', 'list', 'terminate'] as const) truth.latency[call] = 0;
  cloud.offersFault = null;
  cloud.usable = true;
}
