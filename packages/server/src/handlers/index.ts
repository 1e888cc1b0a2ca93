import type { Handlers } from '../http/call.ts';
import { backendHandlers } from './backends.ts';
import { blobHandlers } from './blobs.ts';
import { catalogHandlers } from './catalog.ts';
import { eventHandlers } from './events.ts';
import { fleetHandlers } from './fleets.ts';
import { instanceHandlers } from './instances.ts';
import { memberHandlers } from './members.ts';
import { offerHandlers } from './offers.ts';
import type { ServerParts } from './parts.ts';
import { projectHandlers } from './projects.ts';
import { runStreamHandlers } from './run-streams.ts';
import { runHandlers } from './runs.ts';
import { secretHandlers } from './secrets.ts';
import { serverHandlers } from './server.ts';
import { tokenHandlers } from './tokens.ts';
import { upkeepHandlers } from './upkeep.ts';
import { userHandlers } from './users.ts';

/** A handler for every route; one that is missing does not compile. */
export function createHandlers(parts: ServerParts): Handlers {
  return {
    ...serverHandlers(parts),
    ...userHandlers(parts),
    ...tokenHandlers(parts),
    ...projectHandlers(parts),
    ...memberHandlers(parts),
    ...secretHandlers(parts),
    ...backendHandlers(parts),
    ...offerHandlers(parts),
    ...catalogHandlers(parts),
    ...blobHandlers(parts),
    ...runHandlers(parts),
    ...runStreamHandlers(parts),
    ...fleetHandlers(parts),
    ...instanceHandlers(parts),
    ...upkeepHandlers(parts),
    ...eventHandlers(parts),
  };
}
