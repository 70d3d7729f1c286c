import { z } from "zod";
import type { FieldType } from "./custom-type";
import { findKind, registeredKinds } from "../registry";
import { choiceAmong } from "./choice";
import { type AnyConfigClass, type Fields, isConfigClass, isSubclass, keysOf } from "./config-class";
import { describeField } from "./key-table";
import { elementType, isMappingType, leafKind, literalValues, oneOfTypes, tupleTypes } from "./fields";
import { unwrap } from "./unwrap";

/** A JSON schema (draft 7, which the editors' YAML servers know). */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** `${…}` may stand for any value. */
const INTERPOLATION = { $ref: "#/definitions/interpolation" };
/** What YAML reads as text although it is a number: `1e-3`. */
const NUMBER_TEXT = {
  type: "string",
  pattern: "^[+-]?(\\d[\\d_]*\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?$|^[+-]?\\.?([iI]nf|[nN]a[nN])",
};

/**
 * The JSON schema of a config, for editors: which keys there are, what they may be, and, by `kind`, which keys then. A key
 * that is required is not called missing, as another file of the composition may give it.
 *
 * @param root the class of the config
 * @param title default: the name of the class
 */
export function jsonSchemaOf(root: AnyConfigClass, title: string = root.configName): JsonSchema {
  const builder = new SchemaBuilder();
  const reference = builder.ofClass(root);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title,
    ...reference,
    definitions: {
      interpolation: { type: "string", pattern: "\\$\\{", description: "an interpolation: ${key}" },
      ...builder.definitions,
    },
  };
}

class SchemaBuilder {
  readonly definitions: Record<string, JsonSchema> = {};
  readonly #names = new Map<AnyConfigClass, string>();

  /** The schema of any type; what a type of its own accepts is not known. */
  of(type: FieldType): JsonSchema {
    const isNullable = takesNull(type);
    const inner = unwrap(type) as FieldType;
    const schema = this.#inner(inner);
    if (Object.keys(schema).length === 0) return schema;
    const initial = defaultOf(type);
    return {
      anyOf: [schema, INTERPOLATION, ...(isNullable ? [{ type: "null" }] : [])],
      ...(initial === undefined ? {} : { default: initial }),
    };
  }

  #inner(type: FieldType): JsonSchema {
    if (isConfigClass(type)) return this.ofClass(type);
    const values = literalValues(type);
    if (values !== undefined) return { enum: values };
    const leaf = leafKind(type);
    if (leaf !== undefined) return leafSchema(leaf);
    const entries = tupleTypes(type);
    if (entries !== undefined)
      return {
        type: "array",
        items: entries.map((each) => this.of(each)),
        minItems: entries.length,
        maxItems: entries.length,
      };
    const members = oneOfTypes(type);
    if (members !== undefined) return { anyOf: members.map((each) => this.of(each)) };
    const element = elementType(type);
    if (element !== undefined)
      return isMappingType(type)
        ? { type: "object", additionalProperties: this.of(element) }
        : { type: "array", items: this.of(element) };
    const among = choiceAmong(type);
    if (among === undefined) return {};
    return "members" in among ? { anyOf: among.members.map((each) => this.of(each)) } : this.#kindsOf(among.base);
  }

  /** A mapping whose `kind` says which keys it has. */
  #kindsOf(base: AnyConfigClass): JsonSchema {
    const name = `kinds of ${base.configName}`;
    if (!(name in this.definitions)) {
      this.definitions[name] = {}; // it may be its own element
      const classes = registeredKinds().flatMap((kind) => {
        const schema = findKind(kind)?.schema;
        return schema !== undefined && isConfigClass(schema) && isSubclass(schema, base)
          ? [[kind, schema] as const]
          : [];
      });
      this.definitions[name] = {
        type: "object",
        properties: { kind: { anyOf: [{ enum: classes.map(([kind]) => kind) }, { type: ["string", "null"] }] } },
        allOf: classes.map(([kind, schema]) => ({
          if: { properties: { kind: { const: kind } }, required: ["kind"] },
          then: this.ofClass(schema),
        })),
      };
    }
    return { $ref: `#/definitions/${encodeURIComponent(name)}` };
  }

  /** The schema of a class, by reference. */
  ofClass(type: AnyConfigClass): JsonSchema {
    let name = this.#names.get(type);
    if (name === undefined) {
      name = type.configName;
      for (let number = 2; name in this.definitions; number++) name = `${type.configName} ${number}`;
      this.#names.set(type, name);
      this.definitions[name] = {};
      const { extra, aliases, derived, migrate } = keysOf(type);
      const properties: Record<string, JsonSchema> = {};
      for (const [key, field] of Object.entries(type.fields as Fields))
        properties[key] = describe(this.of(field), describeField(type, key));
      for (const [alias, key] of Object.entries(aliases)) properties[alias] = properties[key] ?? {};
      for (const key of derived) properties[key] ??= {};
      // several names of one class: `kind` is checked by whoever chose the class by it
      if ("kind" in properties) properties["kind"] = { type: ["string", "null"] };
      this.definitions[name] = {
        title: type.configName,
        type: "object",
        properties,
        // a class that takes other forms has keys that only it knows
        ...(extra === "forbid" && migrate === undefined ? { additionalProperties: false } : {}),
      };
    }
    return { $ref: `#/definitions/${encodeURIComponent(name)}` };
  }
}

function leafSchema({ type, bounds = {} }: NonNullable<ReturnType<typeof leafKind>>): JsonSchema {
  if (type === "string") return { type };
  if (type === "boolean") return { anyOf: [{ type }, { enum: [0, 1, "yes", "no", "on", "off", "true", "false"] }] };
  const { gt, ge, lt, le } = bounds;
  const limits = { exclusiveMinimum: gt, minimum: ge, exclusiveMaximum: lt, maximum: le };
  const given = Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined));
  return { anyOf: [{ type, ...given }, NUMBER_TEXT] };
}

function describe(schema: JsonSchema, description: string | undefined): JsonSchema {
  if (description === undefined) return schema;
  // beside a reference everything else is ignored
  return "$ref" in schema ? { allOf: [schema], description } : { description, ...schema };
}

function takesNull(type: FieldType): boolean {
  if (type instanceof z.ZodNullable) return true;
  return type instanceof z.ZodDefault || type instanceof z.ZodOptional ? takesNull(type.unwrap() as FieldType) : false;
}

/** A default that is the same everywhere; others are made when a config is read. */
function defaultOf(type: FieldType): unknown {
  if (!(type instanceof z.ZodDefault) || leafKind(unwrap(type) as FieldType) === undefined) return undefined;
  const value: unknown = type.def.defaultValue;
  return typeof value === "object" && value !== null ? undefined : value;
}
