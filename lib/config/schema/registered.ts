import { z } from "zod";
import { findKind, unknownKindMessage } from "../registry";
import {
  isConfig,
  isConfigClass,
  isSubclass,
  type ConfigClass,
  type Fields,
  type InputOf,
  type OutputOf,
} from "./config-class";
import { describe, forwardIssues, isMapping, report } from "./fields";

/**
 * A sub-config whose schema is the one registered for its `kind`: how `model`, `trainer`, `datasets`… accept every
 * registered class without naming it. The registered schema must be `base` or extend it.
 *
 * @param base - what all members have in common; validates kinds that were registered without a schema
 */
export function registered<F extends Fields>(
  base: ConfigClass<F>,
): z.ZodType<OutputOf<F>, InputOf<F> & Record<string, unknown>> {
  const type = z.transform<unknown, unknown>((input, context) => {
    if (isConfig(input)) return input;
    if (!isMapping(input)) {
      report(
        context,
        input,
        `${input === undefined ? "missing value: " : ""}expected a mapping (${base.configName}), received ${describe(input)}`,
      );
      return z.NEVER;
    }
    const schema = schemaOfKind(input["kind"], base, (message, path) => report(context, input, message, path));
    const result = schema?.safeParse(input);
    if (result?.success) return result.data;
    if (result) forwardIssues(context, result.error, input, []);
    return z.NEVER;
  });
  return type as unknown as z.ZodType<OutputOf<F>, InputOf<F> & Record<string, unknown>>;
}

function schemaOfKind<F extends Fields>(
  kind: unknown,
  base: ConfigClass<F>,
  problem: (message: string, path: PropertyKey[]) => void,
): z.ZodType | undefined {
  if (kind === undefined || kind === null) {
    if (base.fields["kind"]?.safeParse(kind).success) return base;
    problem(`missing "kind": expected the class of this ${base.configName}`, []);
    return undefined;
  }
  if (typeof kind !== "string") {
    problem(`expected a class name, received ${describe(kind)}`, ["kind"]);
    return undefined;
  }
  const entry = findKind(kind);
  if (!entry) {
    problem(unknownKindMessage(kind), ["kind"]);
    return undefined;
  }
  const schema = entry.schema ?? base;
  if (isConfigClass(schema) && !isSubclass(schema, base)) {
    problem(`expected the kind of a ${base.configName}, but "${kind}" is configured by ${schema.configName}`, ["kind"]);
    return undefined;
  }
  return schema;
}
