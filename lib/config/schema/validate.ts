import type { z } from "zod";
import type { FieldType } from "./custom-type";
import { plainMappings } from "./plain-mappings";
import { ConfigError, type ConfigProblem, type SourceLocation } from "../errors";

/** Dotted config path of a zod issue: `trainer.callbacks.0.name`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.map(String).join(".");
}

/**
 * Validates a plain tree against a schema.
 *
 * @param locate - where the key of a dotted path was written; asked for the path, then for its parents
 * @throws ConfigError that lists every problem with its path and place
 */
export function validateConfig<O, I>(
  schema: FieldType<O, I>,
  tree: unknown,
  locate: (path: readonly PropertyKey[]) => SourceLocation | undefined = () => undefined,
): O {
  const result = (schema as z.ZodType<O, I>).safeParse(plainMappings(tree));
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue): ConfigProblem => {
    let location: SourceLocation | undefined;
    for (let depth = issue.path.length; depth >= 0 && !location; depth--) location = locate(issue.path.slice(0, depth));
    return { path: pathText(issue.path), message: issue.message, location };
  });
  throw new ConfigError(problems);
}
