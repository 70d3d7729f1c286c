import { z } from "zod";
import type { FieldType } from "../field-type";

/** What a type reports its problems to. */
export interface IssueSink {
  readonly issues: unknown[];
}

export type { FieldType };

/** The zod type that a field is. */
export function zodType<O, I>(type: FieldType<O, I>): z.ZodType<O, I> {
  return type as z.ZodType<O, I>;
}

/**
 * A zod type made of one function. Zod types what goes into such a function as unknown; here `I` says what code may pass.
 *
 * @param parse - the validated value, or what {@link refuse} or {@link delegate} returns; problems go to the context
 */
export function customType<O, I = O>(parse: (input: unknown, context: IssueSink) => O): z.ZodType<O, I> {
  // eslint-disable-next-line no-restricted-syntax -- see above: zod's type says unknown for what goes in
  return z.transform<unknown, O>(parse) as unknown as z.ZodType<O, I>;
}

/** Adds a problem to a type's context; `path` is relative to the value at hand. */
export function report(sink: IssueSink, input: unknown, message: string, path: readonly PropertyKey[] = []): void {
  sink.issues.push({ code: "custom", input, message, path: [...path] });
}

/** Reports that something else was expected: `refuse(context, input, "a list")`. */
export function refuse(context: IssueSink, input: unknown, expected: string): never {
  const missing = input === undefined ? "missing value: " : "";
  report(context, input, `${missing}expected ${expected}, received ${describe(input)}`);
  return z.NEVER;
}

/** Validates with another type, whose problems become those of this one, with `path` before theirs. */
export function delegate<O>(
  type: FieldType<O>,
  input: unknown,
  context: IssueSink,
  path: readonly PropertyKey[] = [],
): O {
  const result = zodType(type).safeParse(input);
  if (result.success) return result.data;
  forwardIssues(context, result.error, input, path);
  return z.NEVER;
}

/** Copies the issues of a nested parse to the parent's context, with the path before theirs. */
export function forwardIssues(
  context: IssueSink,
  error: z.ZodError,
  input: unknown,
  prefix: readonly PropertyKey[],
): void {
  for (const issue of error.issues) report(context, input, issue.message, [...prefix, ...issue.path]);
}

/** What a config says where a value has to be supplied elsewhere. */
export const MISSING = "???";

/** `the string "abc"`, `the number 3.5`, `a list of 3`, `a mapping`, `null`: what came, for messages. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (value === MISSING) return "??? (to be given, e.g. on the command line)";
  if (typeof value === "string")
    return `the string ${JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value)}`;
  if (typeof value === "number") return `the number ${value}`;
  if (typeof value === "bigint") return `the integer ${value}, which is too large to be exact`;
  if (typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object") return "a mapping";
  return `a ${typeof value}`;
}

/** Whether a value is a mapping as YAML has it (no list, no class instance). */
export function isMapping(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // by name, not identity: a mapping may come from another realm (jest, vm, jiti)
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
