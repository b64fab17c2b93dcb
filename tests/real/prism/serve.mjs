// Prism mocking GitHub and Stripe on 127.0.0.1, and a log of what was asked.
//
//   /github/…, /stripe/…   what Prism answers by the vendor's description; 4xx with what is wrong, if anything is
//   /log                   GET: every request since the last DELETE as [{connector, method, path, status, violations}],
//                          in order
//
// Prints its URL on stdout. Ends when stdin does.

import { createServer, request as send } from 'node:http';
import { createRequire } from 'node:module';
import { CONNECTORS, description, endpoints, manifest, operation, resolve, writes } from './descriptions.mjs';

const require = createRequire(createRequire(import.meta.url).resolve('@stoplight/prism-cli'));
const prismHttp = require('@stoplight/prism-http');
const prismServer = require('@stoplight/prism-http-server');
const { createLogger } = require('@stoplight/prism-core');

const PRISM = {
  isProxy: false,
  validateRequest: true,
  // The answers are the description's own examples, and check.mjs looks at those.
  validateResponse: false,
  checkSecurity: true,
  errors: true,
  mock: { dynamic: false, ignoreExamples: false },
};

/** Deepest member of a response that Prism gets to know of; below it any object will do. */
const DEEPEST = 5;

/** The description, less what no manifest has, and shallow: schemas that hold one another take Prism minutes to read. */
function needed(connector) {
  const document = description(connector);
  const paths = {};
  const spec = manifest(connector);
  const asked = endpoints(spec).map(({ endpoint }) => ({ path: endpoint.path, method: 'get' }));
  for (const { path, method } of [...asked, ...writes(spec)]) {
    const found = operation(document, path, method);
    if (found) (paths[found.path] ??= {})[method] = whole(document, found);
  }
  const { openapi, info, servers, security } = document;
  return { openapi, info, servers, security, paths, components: { securitySchemes: document.components.securitySchemes } };
}

/** An operation with what it refers to in its place. */
function whole(document, { item, operation: said }) {
  const responses = {};
  for (const [status, node] of Object.entries(said.responses)) responses[status] = answer(document, resolve(document, node));
  const parameters = [...(item.parameters ?? []), ...(said.parameters ?? [])].map((node) => {
    const parameter = resolve(document, node);
    return { ...parameter, schema: shallow(document, parameter.schema, 0) };
  });
  const own = { operationId: said.operationId, security: said.security, parameters, responses };
  const body = resolve(document, said.requestBody);
  if (!body) return own;
  const content = {};
  for (const [type, media] of Object.entries(body.content)) {
    const schema = typed(shallow(document, media.schema, 0));
    // Of a form Prism takes an optional object that is not there for an empty one, and misses its members.
    if (type !== 'application/json') for (const member of Object.values(schema.properties ?? {})) relax(member);
    content[type] = { schema, ...(media.encoding && { encoding: media.encoding }) };
  }
  return { ...own, requestBody: { required: body.required, content } };
}

/** A response without its headers: among them is a link to a next page, on the vendor's own host. */
function answer(document, { description, content }) {
  const json = content?.['application/json'];
  if (!json) return { description };
  const examples = {};
  for (const [name, node] of Object.entries(json.examples ?? {})) examples[name] = { value: resolve(document, node).value };
  const schema = json.schema && shallow(document, json.schema, 0);
  return { description, content: { 'application/json': { schema, ...(json.examples && { examples }) } } };
}

/** A schema with what it refers to put in its place. */
function shallow(document, node, depth) {
  const schema = resolve(document, node);
  if (schema === null || typeof schema !== 'object') return schema;
  if (depth > DEEPEST) return ['object', undefined].includes(schema.type) ? { nullable: schema.nullable } : { type: schema.type, nullable: schema.nullable };
  const copy = Object.fromEntries(Object.entries(schema).filter(([word]) => !word.startsWith('x-')));
  for (const word of ['anyOf', 'oneOf', 'allOf']) {
    // Stripe sends the object in place of its id only to who asks for it, and nobody does.
    const several = schema['x-expansionResources'] ? schema[word]?.filter((one) => one.type === 'string') : schema[word];
    if (several) copy[word] = several.map((one) => shallow(document, one, depth));
  }
  // Where there is no example Prism makes values up, and knows nothing of these.
  if (schema.format === 'decimal') copy.example = '12.5';
  if (schema.properties?.has_more) schema.properties.has_more.example = false;
  if (schema.items) copy.items = shallow(document, schema.items, depth);
  if (schema.additionalProperties) copy.additionalProperties = shallow(document, schema.additionalProperties, depth + 1);
  if (schema.properties) {
    copy.properties = {};
    for (const [name, member] of Object.entries(schema.properties)) copy.properties[name] = shallow(document, member, depth + 1);
  }
  return copy;
}

/** The schema of a body, of which Prism checks nothing when something in it may be null and has no type of its own. */
function typed(schema) {
  if (Array.isArray(schema)) return schema.map(typed);
  if (schema === null || typeof schema !== 'object') return schema;
  const { nullable, ...rest } = schema;
  const copy = Object.fromEntries(Object.entries(rest).map(([word, value]) => [word, typed(value)]));
  return nullable && typeof copy.type === 'string' ? { ...copy, nullable } : copy;
}

/** Takes `required` out of a schema and all within it. */
function relax(schema) {
  if (schema === null || typeof schema !== 'object') return;
  if (Array.isArray(schema.required)) delete schema.required;
  for (const inner of Object.values(schema)) relax(inner);
}

async function prism(connector) {
  const operations = await prismHttp.getHttpOperationsFromSpec(needed(connector));
  const logger = createLogger(connector, { enabled: false });
  const server = prismServer.createServer(operations, { cors: false, config: PRISM, components: { logger } });
  return new URL(await server.listen(0, '127.0.0.1'));
}

const mocks = Object.fromEntries(await Promise.all(CONNECTORS.map(async (connector) => [connector, await prism(connector)])));
let log = [];

const front = createServer((request, response) => {
  if (request.url === '/log') return answerLog(request, response);
  const [, connector, path] = /^\/([^/]*)(\/.*)$/.exec(request.url) ?? [];
  if (!mocks[connector]) return response.writeHead(404).end();
  const { hostname, port } = mocks[connector];
  const onward = send({ hostname, port, path, method: request.method, headers: request.headers }, (reply) => {
    const violations = reply.headers['sl-violations'] ?? null;
    log.push({ connector, method: request.method, path, status: reply.statusCode, violations });
    response.writeHead(reply.statusCode, reply.headers);
    reply.pipe(response);
  });
  onward.on('error', (error) => response.writeHead(502).end(String(error)));
  request.pipe(onward);
});

function answerLog(request, response) {
  if (request.method === 'DELETE') log = [];
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(log));
}

front.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${front.address().port}`));
process.stdin.resume().on('end', () => process.exit(0));
