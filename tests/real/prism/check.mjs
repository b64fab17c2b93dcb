// Holds every connectors/*/manifest.yaml against the vendor's description: paths, parameters and their values, rows,
// columns with type and nullability, the description's own examples; and writes: paths, bodies, what must be in them, how
// NULL is said, answers. Prints what is wrong; exit status 1 if any is.

import { CONNECTORS, alternatives, description, endpoints, manifest, operation, resolve, valueAt, writes } from './descriptions.mjs';

/** What each type may be in the description. */
const TYPES = {
  bool: (schema) => schema.type === 'boolean',
  int: (schema) => schema.type === 'integer',
  float: (schema) => ['number', 'integer'].includes(schema.type),
  text: (schema) => schema.type === 'string',
  timestamp: (schema) => schema.type === 'string' && schema.format === 'date-time',
  'timestamp(epoch_s)': (schema) => schema.type === 'integer',
  decimal: (schema) => ['string', 'number'].includes(schema.type),
  list: (schema) => schema.type === 'array',
  json: () => true,
};

/** Columns of which the manifest knows better than the description, and why. */
const KNOWN = {
  'stripe.invoices.id': 'null in the preview of an invoice, which neither endpoint returns',
};

const problems = [];

for (const connector of CONNECTORS) {
  const document = description(connector);
  const spec = manifest(connector);
  const seen = endpoints(spec);
  const columns = new Map();
  for (const one of seen) checkEndpoint(connector, document, one, columns);
  for (const [where, column] of columns) {
    if (column.nullable && !column.everNull) problems.push(`${where}: may be null, and the description says never`);
  }
  const written = writes(spec);
  for (const one of written) checkWrite(connector, document, one);
  const counts = `${Object.keys(spec.tables).length} tables, ${seen.length} endpoints, ${columns.size} columns, ${written.length} writes`;
  console.log(`${connector}: ${counts}`);
}
for (const problem of problems) console.error(problem);
process.exit(problems.length === 0 ? 0 : 1);

function checkEndpoint(connector, document, one, columns) {
  const where = `${connector}.${one.table}.${one.name}`;
  const say = (text) => problems.push(`${where}: ${text}`);
  const found = operation(document, one.endpoint.path);
  if (!found) return say(`no GET ${one.endpoint.path}`);
  for (const [, name] of one.endpoint.path.matchAll(/\{([^}]*)\}/g)) {
    if (!(name in one.spec.columns)) say(`{${name}} is no column`);
  }
  checkParameters(document, found, one, say);
  const response = Object.entries(found.operation.responses).find(([status]) => status.startsWith('2'));
  const content = resolve(document, response[1]).content?.['application/json'];
  if (!content) return say('answers no JSON');
  const row = rowSchema(document, content.schema, one, say);
  if (row) checkColumns(document, row, one, columns, `${connector}.${one.table}`, say);
  checkExample(document, content, one, columns, `${connector}.${one.table}`, say);
}

function checkWrite(connector, document, one) {
  const { table, kind, method, path, spec, write } = one;
  const say = (text) => problems.push(`${connector}.${table}.${kind}: ${text}`);
  const found = operation(document, path, method);
  if (!found) return say(`no ${method.toUpperCase()} ${path}`);
  const inPath = [...path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name);
  for (const name of inPath) if (!(name in spec.columns)) say(`{${name}} is no column`);
  if (kind !== 'delete') checkBody(document, found, one, inPath, say);
  const answer = Object.entries(found.operation.responses).find(([status]) => status.startsWith('2'));
  if (kind === 'delete' || write.row === undefined) return;
  const schema = resolve(document, answer[1]).content?.['application/json']?.schema;
  for (const name of [spec.key].flat().filter((name) => !inPath.includes(name))) {
    const column = columnOf(name, spec);
    if (!column.request && !valueAt(document, schema, column.path).found) say(`its answer has no ${name}`);
  }
}

function checkBody(document, found, { kind, spec, write }, inPath, say) {
  const isForm = write.body === 'form';
  const type = isForm ? 'application/x-www-form-urlencoded' : 'application/json';
  const body = resolve(document, found.operation.requestBody)?.content?.[type]?.schema;
  if (!body) return say(`takes no ${type}`);
  const sent = new Set();
  for (const name of write.columns.filter((name) => !inPath.includes(name))) {
    const column = columnOf(name, spec);
    const path = spec.columns[name].written?.split('.') ?? column.path;
    sent.add(path[0]);
    const at = valueAt(document, body, path);
    if (!at.found) {
      say(`its body has no ${path.join('.')} for ${name}`);
      continue;
    }
    const fits = TYPES[column.family];
    if (!at.types.some((schema) => fits(schema))) say(`${name} is ${column.base}, and its body takes ${at.types.map((schema) => schema.type)}`);
    if (column.nullable) checkNull(at, name, write, isForm, say);
  }
  const required = alternatives(document, body).flatMap(({ schema }) => schema.required ?? []);
  const given = (write.required ?? (kind === 'update' && sent.size === 1 ? write.columns : [])).map((name) => (spec.columns[name].written?.split('.') ?? columnOf(name, spec).path)[0]);
  for (const name of required) if (!given.includes(name)) say(`its body must have ${name}`);
}

/** Whether the body takes NULL as the manifest says it is written. A text without a list of values may be empty. */
function checkNull(at, name, { nulls }, isForm, say) {
  const unsaid = isForm ? 'refused' : 'json';
  const form = typeof nulls === 'object' ? nulls[name] ?? unsaid : nulls ?? unsaid;
  const takes = {
    refused: true,
    json: at.isNullable,
    empty: at.types.some((schema) => schema.type === 'string' && (!schema.enum || schema.enum.includes(''))),
  }[form];
  if (!takes) say(`NULL of ${name} is written as ${form}, which its body does not take`);
}

/** Every parameter that the endpoint may send: name, and values where they are known. */
function parametersOf({ endpoint, spec }) {
  const sent = Object.entries(endpoint.query ?? {}).map(([name, value]) => ({ name, values: [String(value)] }));
  const place = (at, values = []) => {
    const name = typeof at === 'string' ? at : at?.parameter;
    if (name) sent.push({ name, values });
  };
  place(endpoint.page_size?.parameter, ['100']);
  place(endpoint.text?.parameter);
  for (const style of ['page', 'offset', 'cursor', 'keyset']) place(endpoint.paging?.[style]);
  if (endpoint.sort) {
    const names = endpoint.sort.columns;
    place(endpoint.sort.parameter, Array.isArray(names) ? names : Object.values(names));
    place(endpoint.sort.direction, [endpoint.sort.ascending ?? 'asc', endpoint.sort.descending ?? 'desc']);
  }
  for (const [column, operators] of Object.entries(endpoint.filters ?? {})) {
    if (!(column in spec.columns)) throw new Error(`${endpoint.path}: filter on ${column}, which is no column`);
    for (const form of Object.values(operators)) {
      const known = form.values ?? (form.value === undefined ? [] : [form.value]);
      place(form, Array.isArray(known) ? known : Object.values(known));
    }
  }
  return sent;
}

function checkParameters(document, { item, operation: said }, one, say) {
  const declared = [...(item.parameters ?? []), ...(said.parameters ?? [])].map((node) => resolve(document, node));
  const names = new Set();
  for (const { name, values } of parametersOf(one)) {
    names.add(name);
    const [, base, member] = /^([^[]*)(?:\[([^\]]*)\])?$/.exec(name);
    const parameter = declared.find((other) => other.in === 'query' && other.name === base);
    if (!parameter) {
      say(`no parameter ${name}`);
      continue;
    }
    let shapes = alternatives(document, parameter.schema).map(({ schema }) => schema);
    if (member === '') shapes = shapes.filter((schema) => schema.type === 'array').map((schema) => resolve(document, schema.items));
    else if (member) shapes = shapes.filter((schema) => schema.properties?.[member]).map((schema) => resolve(document, schema.properties[member]));
    if (shapes.length === 0) say(`parameter ${base} has no member [${member}]`);
    const allowed = shapes.flatMap((schema) => schema.enum ?? []);
    for (const value of values) {
      if (allowed.length > 0 && !allowed.includes(value)) say(`${name}=${value}, and it may be ${allowed.join(', ')}`);
    }
  }
  for (const parameter of declared) {
    if (parameter.in === 'query' && parameter.required && !names.has(parameter.name)) say(`parameter ${parameter.name} is required`);
  }
}

/** The schema of one row; for a list the items of the array at `rows`. */
function rowSchema(document, schema, { kind, endpoint }, say) {
  for (const member of ['count', 'failure', 'absent']) {
    if (endpoint[member] && !valueAt(document, schema, endpoint[member].split('.')).found) say(`${member}: no ${endpoint[member]} in the response`);
  }
  if (endpoint.paging?.more && !valueAt(document, schema, endpoint.paging.more.split('.')).found) say(`no ${endpoint.paging.more} in the response`);
  if (kind === 'get') {
    // An alternative that is told apart by the member of `failure` or `absent` is not a row.
    const rows = alternatives(document, schema).map((one) => one.schema);
    const told = [endpoint.failure, endpoint.absent].filter(Boolean);
    return { anyOf: rows.filter((one) => !told.some((member) => one.properties?.[member])) };
  }
  const at = valueAt(document, schema, endpoint.rows ? endpoint.rows.split('.') : []);
  const array = at.types.find((type) => type.type === 'array');
  if (!array) say(`no array at rows ${endpoint.rows ?? ''}`);
  return array?.items;
}

/** Type and nullability as the manifest means them. */
export function columnOf(name, spec) {
  const column = spec.columns[name];
  const members = typeof column === 'string' ? { type: column } : column;
  const type = members.type ?? 'text';
  const key = [spec.key ?? []].flat().includes(name);
  const nullable = type.endsWith('?') || !(type.endsWith('!') || key);
  const base = type.replace(/[?!]$/, '');
  const family = /^(list|decimal|struct)/.exec(base)?.[0] ?? base;
  return { base, family, nullable, request: members.from === 'request', path: (members.path ?? name).split('.') };
}

function checkColumns(document, row, { endpoint, spec }, columns, table, say) {
  const left = endpoint.columns?.except ?? [];
  for (const name of Object.keys(spec.columns)) {
    const column = columnOf(name, spec);
    if (column.request || left.includes(name)) continue;
    const at = valueAt(document, row, column.path);
    if (!at.found) {
      say(`no ${column.path.join('.')} for ${name}`);
      continue;
    }
    const known = columns.get(`${table}.${name}`) ?? { nullable: column.nullable, everNull: false };
    known.everNull ||= at.nullable;
    columns.set(`${table}.${name}`, known);
    if (at.nullable && !column.nullable && !KNOWN[`${table}.${name}`]) say(`${name} is never null, and the description says it may be`);
    const fits = TYPES[column.family];
    if (!fits) say(`${name}: type ${column.base} is not checked`);
    else if (!at.types.some((schema) => fits(schema))) say(`${name} is ${column.base}, and the description says ${at.types.map((schema) => `${schema.type} ${schema.format ?? ''}`)}`);
  }
}

/** The description's own example must have rows. It is the first one that Prism answers with. */
function checkExample(document, content, { kind, endpoint, spec }, columns, table, say) {
  const first = Object.values(content.examples ?? {})[0];
  if (!first) return;
  let body = resolve(document, first).value;
  for (const step of endpoint.rows && kind !== 'get' ? endpoint.rows.split('.') : []) body = body?.[step];
  const rows = kind === 'get' ? [body] : body;
  if (!Array.isArray(rows)) return say('its example has no rows');
  for (const row of rows) checkExampleRow(row, spec, columns, table, (text) => say(`its example: ${text}`));
}

function checkExampleRow(row, spec, columns, table, say) {
  for (const name of Object.keys(spec.columns)) {
    const column = columnOf(name, spec);
    if (column.request) continue;
    const value = column.path.reduce((at, step) => at?.[step], row);
    if (value === null || value === undefined) {
      // The example may contradict its schema; then the column bears it.
      columns.get(`${table}.${name}`).everNull = true;
      if (!column.nullable) say(`${name} is ${value === null ? 'null' : 'not there'}`);
      continue;
    }
    const fits = {
      bool: typeof value === 'boolean',
      int: Number.isInteger(value),
      float: typeof value === 'number',
      text: typeof value === 'string',
      timestamp: typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value),
      'timestamp(epoch_s)': Number.isInteger(value),
      list: Array.isArray(value),
    }[column.family];
    if (fits === false) say(`${name} is ${column.base}, and it has ${JSON.stringify(value)}`);
  }
}
