import type { z } from "zod";
import { findKind, type KindEntry, unknownKindMessage } from "../registry";
import { choice, type Problem } from "./choice";
import {
  type AnyConfigClass,
  type ConfigClass,
  type Fields,
  type InputOf,
  isConfigClass,
  isSubclass,
  type OutputOf,
} from "./config-class";
import { describe, type FieldType, zodType } from "./custom-type";
import { any, literalValues } from "./fields";

/** What {@link registered} does about mappings whose kind does not lead to a schema. */
export interface RegisteredOptions {
  /** Validates mappings without a kind; null: they are refused. Default: `base`, if its `kind` may be left out. */
  readonly withoutKind?: FieldType | null;
  /** Validates kinds that were registered without a schema; null: they are refused. Default: `base`. */
  readonly withoutSchema?: FieldType | null;
  /** Whether the registered schema has to extend `base`. Default: true. */
  readonly mustExtend?: boolean;
}

/**
 * A sub-config whose schema is the one registered for its `kind`: how `model`, `trainer`, `tracker`, schedules… accept
 * every registered class without naming it.
 *
 * @param base - what all members have in common
 */
export function registered<F extends Fields>(
  base: ConfigClass<F>,
  options: RegisteredOptions = {},
): z.ZodType<OutputOf<F>, InputOf<F> & Record<string, unknown>> {
  return choice({
    expected: `a mapping (${base.configName})`,
    among: { base },
    choose: (input, problem) => schemaOfKind(input["kind"], base, options, problem),
  });
}

function schemaOfKind<F extends Fields>(
  kind: unknown,
  base: ConfigClass<F>,
  { withoutKind, withoutSchema = base, mustExtend = true }: RegisteredOptions,
  problem: Problem,
): FieldType | undefined {
  if (kind === undefined || kind === null) {
    if (withoutKind) return withoutKind;
    if (withoutKind === undefined && base.fields["kind"] && zodType(base.fields["kind"]).safeParse(kind).success)
      return base;
    problem(`missing "kind": expected the class of this ${base.configName}`);
    return undefined;
  }
  if (typeof kind !== "string") {
    problem(`expected a class name, received ${describe(kind)}`, "kind");
    return undefined;
  }
  const entry = findKind(kind);
  if (!entry) {
    problem(unknownKindMessage(kind), "kind");
    return lenient(base); // what it has in common with others can be checked all the same
  }
  const schema = schemaOfEntry(entry, kind) ?? withoutSchema;
  if (!schema) {
    problem(
      `expected "${kind}" to declare a static schema that extends ${base.configName}, so that its config can be checked`,
      "kind",
    );
    return undefined;
  }
  if (mustExtend && isConfigClass(schema) && !isSubclass(schema, base)) {
    problem(`expected the kind of a ${base.configName}, but "${kind}" is configured by ${schema.configName}`, "kind");
    return undefined;
  }
  return schema;
}

const lenientClasses = new WeakMap<AnyConfigClass, AnyConfigClass>();

/** The fields of a class, whatever the kind and the other keys are. */
function lenient(base: AnyConfigClass): AnyConfigClass {
  const known = lenientClasses.get(base);
  const made = known ?? base.extend(base.configName, { extra: "ignore", fields: { kind: any() } });
  lenientClasses.set(base, made);
  return made;
}

/** A class without a schema of its own inherits its parent's; one that is for the parent's kind only counts as none. */
function schemaOfEntry({ class: type, schema }: KindEntry, kind: string): FieldType | undefined {
  if (!schema || !type || Object.hasOwn(type, "schema") || !isConfigClass(schema)) return schema;
  const kinds = literalValues((schema.fields as Fields)["kind"] ?? any());
  return kinds && !kinds.includes(kind) ? undefined : schema;
}
