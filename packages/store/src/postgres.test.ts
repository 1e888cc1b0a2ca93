import { after, before, describe } from 'node:test';
import { openPostgresStore } from './postgres.ts';
import { noPostgres, type PostgresServer, startPostgres } from './testing/postgres-server.ts';
import { storeSuite } from './testing/suite.ts';

describe('PostgreSQL', { skip: noPostgres }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.remove());

  storeSuite('the suite', async () =>
    // The suite has listeners that throw on purpose.
    openPostgresStore({ url: server.url(await server.newSchema()), onListenerError: () => {} }),
  );
});
