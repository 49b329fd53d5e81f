import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { OpenApiSchema } from '../../../cluster/open-api-schema.ts';
import type { InvalidField } from './failure.ts';
import { type Fields, isFields } from './value.ts';

/** What a custom resource's schema makes of an object that is written: unknown fields dropped, defaults filled in. */
export function shaped(object: Fields, schema: OpenApiSchema): Fields {
  const { apiVersion, kind, metadata, ...rest } = object;
  const kept = defaulted(pruned(rest, schema), schema) as Fields;
  return { apiVersion, kind, metadata, ...kept };
}

function pruned(value: unknown, schema: OpenApiSchema): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => pruned(item, schema.items ?? {}));
  if (!isFields(value)) return value;
  const keepUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const kept: Fields = {};
  for (const [name, child] of Object.entries(value)) {
    const own = schema.properties?.[name];
    const { additionalProperties } = schema;
    if (own !== undefined) kept[name] = pruned(child, own);
    else if (typeof additionalProperties === 'object') kept[name] = pruned(child, additionalProperties);
    else if (keepUnknown || additionalProperties === true) kept[name] = child;
    else if (schema['x-kubernetes-embedded-resource'] === true && ['apiVersion', 'kind', 'metadata'].includes(name)) {
      kept[name] = child;
    }
  }
  return kept;
}

function defaulted(value: unknown, schema: OpenApiSchema): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => defaulted(item, schema.items ?? {}));
  if (!isFields(value)) return value;
  const filled: Fields = { ...value };
  for (const [name, own] of Object.entries(schema.properties ?? {})) {
    const present = filled[name] ?? (own.nullable === true && name in filled ? null : undefined);
    if (present === undefined && own.default !== undefined) filled[name] = structuredClone(own.default);
    if (filled[name] !== undefined) filled[name] = defaulted(filled[name], own);
  }
  if (typeof schema.additionalProperties === 'object') {
    for (const name of Object.keys(filled)) {
      if (schema.properties?.[name] === undefined) filled[name] = defaulted(filled[name], schema.additionalProperties);
    }
  }
  return filled;
}

const compiled = new WeakMap<OpenApiSchema, ValidateFunction>();

/** What is wrong with an object, in the API server's words where they are simple. CEL rules are not evaluated. */
export function problemsOf(object: Fields, schema: OpenApiSchema): InvalidField[] {
  let validate = compiled.get(schema);
  if (validate === undefined) {
    validate = new Ajv({ allErrors: true, strict: false, validateFormats: false }).compile(
      jsonSchema(withoutIdentity(schema)),
    );
    compiled.set(schema, validate);
  }
  const { apiVersion: _a, kind: _k, metadata: _m, ...rest } = object;
  return validate(rest) ? [] : (validate.errors ?? []).map(problem);
}

function problem(error: ErrorObject): InvalidField {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`));
  const at = path.join('').replace(/^\./, '');
  if (error.keyword === 'required') {
    const field = `${at === '' ? '' : `${at}.`}${String(error.params['missingProperty'])}`;
    return { field, message: 'Required value', reason: 'FieldValueRequired' };
  }
  if (error.keyword === 'enum') {
    return { field: at, message: `Unsupported value: ${error.message ?? ''}`, reason: 'FieldValueNotSupported' };
  }
  return { field: at, message: `Invalid value: ${error.message ?? 'does not match the schema'}` };
}

/** JSON Schema 2020 (as ajv reads it) for an OpenAPI v3 schema: what differs is nullable, int-or-string and the boolean bounds. */
function jsonSchema(schema: OpenApiSchema): Fields {
  const { nullable, exclusiveMinimum, exclusiveMaximum, minimum, maximum, required, type, ...rest } = schema;
  const converted: Fields = Object.fromEntries(
    Object.entries(rest).filter(
      ([name]) => !name.startsWith('x-kubernetes-') && name !== 'default' && name !== 'format',
    ),
  );
  if (type !== undefined) converted['type'] = type;
  if (schema['x-kubernetes-int-or-string'] === true) converted['type'] = ['integer', 'string'];
  if (minimum !== undefined) converted[exclusiveMinimum === true ? 'exclusiveMinimum' : 'minimum'] = minimum;
  if (maximum !== undefined) converted[exclusiveMaximum === true ? 'exclusiveMaximum' : 'maximum'] = maximum;
  if (required !== undefined && required.length > 0) converted['required'] = required;
  if (schema.properties !== undefined) {
    const properties = Object.entries(schema.properties).map(([name, own]) => [name, jsonSchema(own)] as const);
    converted['properties'] = Object.fromEntries(properties);
  }
  if (typeof schema.additionalProperties === 'object') {
    converted['additionalProperties'] = jsonSchema(schema.additionalProperties);
  }
  if (schema.items !== undefined) converted['items'] = jsonSchema(schema.items);
  if (schema.not !== undefined) converted['not'] = jsonSchema(schema.not);
  for (const keyword of ['allOf', 'anyOf', 'oneOf'] as const) {
    const parts = schema[keyword];
    if (parts !== undefined) converted[keyword] = parts.map(jsonSchema);
  }
  return nullable === true ? { anyOf: [{ type: 'null' }, converted] } : converted;
}

/** Kind, version and metadata are checked elsewhere, for all kinds alike. */
function withoutIdentity(schema: OpenApiSchema): OpenApiSchema {
  const { apiVersion: _a, kind: _k, metadata: _m, ...properties } = schema.properties ?? {};
  const required = (schema.required ?? []).filter((name) => !['apiVersion', 'kind', 'metadata'].includes(name));
  return { ...schema, properties, required };
}
