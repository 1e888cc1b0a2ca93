import type { AgentHarm } from './moves.ts';
import type { SimAgent } from './sim-agent.ts';
import type { SimAgents } from './sim-agents.ts';

/** What befalls an agent in the course of a history. */
export function harm(agents: SimAgents, token: string, agent: SimAgent, what: AgentHarm): void {
  switch (what) {
    case 'cut':
      agent.cut();
      break;
    case 'restart-live':
      agent.restart('live');
      break;
    case 'restart-die':
      agent.restart('die');
      break;
    case 'restart-forgotten':
      agent.restart('forgotten');
      break;
    case 'restart-keeps-started':
      agent.restart('keeps-started');
      break;
    case 'unreachable':
      agents.unreachable.add(token);
      agent.cut();
      break;
    case 'reachable':
      agents.unreachable.clear();
      break;
    case 'submit-hangs':
      agent.faults.submit.push('hangs');
      break;
    case 'submit-refuses':
      agent.faults.submit.push('refuses');
      break;
    case 'start-cut':
      agent.faults.start.push('cut');
      break;
    case 'log-hangs':
      agent.faults.logComplete.push('hangs');
      break;
    case 'log-fails':
      agent.faults.logComplete.push('fails');
      break;
    case 'artifacts-fail':
      agent.faults.fetchArtifacts.push('fails');
      break;
    case 'artifacts-missing':
      agent.faults.fetchArtifacts.push('not-found');
      break;
  }
}

export function mendAgents(agents: SimAgents): void {
  agents.unreachable.clear();
  for (const agent of agents.all.values()) {
    for (const faults of Object.values(agent.faults)) faults.length = 0;
  }
}
