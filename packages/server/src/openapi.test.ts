import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROUTES } from '@berth/core/api-routes';
import { API } from '@berth/core/api-schemas';
import { openApiDocument } from './openapi.ts';

// biome-ignore lint/suspicious/noExplicitAny: a document of any depth is looked into
const document = openApiDocument() as any;

// biome-ignore lint/suspicious/noExplicitAny: as above
function* nodes(value: any, path = '#'): Generator<[string, any]> {
  if (typeof value !== 'object' || value === null) return;
  yield [path, value];
  for (const [key, item] of Object.entries(value)) yield* nodes(item, `${path}/${key}`);
}

test('every route is in it, with its method, and nothing else is', () => {
  const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods as Record<string, { operationId: string }>).map(([method, { operationId }]) => [
      operationId,
      `${method.toUpperCase()} ${path}`,
    ]),
  );
  assert.deepEqual(
    Object.fromEntries(listed),
    Object.fromEntries(Object.entries(ROUTES).map(([name, [method, path]]) => [name, `${method} ${path}`])),
  );
  assert.equal(listed.length, Object.keys(ROUTES).length);
});

test('every parameter of a path is declared, and every query of a schema', () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const operation of Object.values(methods as Record<string, (typeof document)['paths']>)) {
      const inPath = operation.parameters.filter((p: { in: string }) => p.in === 'path');
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      assert.deepEqual(
        inPath.map((p: { name: string }) => p.name),
        names,
      );
      assert.ok(inPath.every((p: { required: boolean }) => p.required));
      const inQuery = operation.parameters.filter((p: { in: string }) => p.in === 'query');
      assert.equal(
        inQuery.length > 0,
        'query' in API[operation.operationId as keyof typeof API],
        operation.operationId,
      );
      for (const { schema } of inQuery) assert.ok(schema.type, `${operation.operationId} ${JSON.stringify(schema)}`);
    }
  }
});

test('every reference leads to a component, and every component but the error is referred to or answered', () => {
  const components = new Set(Object.keys(document.components.schemas));
  const used = new Set<string>();
  for (const [path, node] of nodes(document)) {
    if (typeof node.$ref !== 'string') continue;
    const name = node.$ref.replace('#/components/schemas/', '');
    assert.ok(components.has(name), `${path} refers to ${node.$ref}`);
    used.add(name);
  }
  for (const name of ['RunView', 'JobView', 'ErrorView', 'EventView', 'LogEvent', 'OffersView'])
    assert.ok(used.has(name), name);
});

test('answers may grow, requests may not hold what is unknown', () => {
  assert.equal(document.components.schemas.RunView.additionalProperties, undefined);
  const create = document.paths['/users'].post.requestBody.content['application/json'].schema;
  assert.equal(create.additionalProperties, false);
});

test('streams, bytes and who may call are described', () => {
  const { paths } = document;
  const logs = paths['/projects/{project}/runs/{run}/logs'].get;
  assert.deepEqual(logs.responses[200].content['text/event-stream'].schema, { $ref: '#/components/schemas/LogEvent' });
  assert.match(logs.responses[200].description, /Last-Event-ID/);
  assert.ok(paths['/projects/{project}/runs/{run}/artifacts'].get.responses[200].content['application/gzip']);
  assert.ok(paths['/projects/{project}/blobs/{hash}'].put.requestBody.content['application/octet-stream']);
  assert.deepEqual(paths['/info'].get.security, []);
  assert.equal(paths['/users/me'].get.security, undefined);
  assert.match(paths['/users'].get.description, /Admins of the server/);
  assert.equal(document.openapi, '3.1.0');
  assert.doesNotMatch(JSON.stringify(document), /\$defs|~standard/);
});
