import { ConfigError } from "../errors";
import { parseValue, Sweep, type ValueTree } from "./override-value";

/** One command-line override: `key=value`, `+key=value`, `++key=value`, `~key[=value]`. */
export interface Override {
  readonly type: "change" | "add" | "force" | "delete";
  /** Dotted config path or group path (`experiment/shapenet`). */
  readonly key: string;
  /** Behind `@`: the package of a group. */
  readonly package?: string;
  /** Undefined only for `~key` without a value. */
  readonly value?: ValueTree;
  /** As it was typed. */
  readonly text: string;
}

const KEY = /^[A-Za-z_$][\w$-]*(?:[./](?:[A-Za-z_$][\w$-]*|\d+))*$/;
const PACKAGE = /^[A-Za-z_][\w-]*(?:\.[\w-]+)*$/;

/**
 * Parses one override.
 *
 * @throws ConfigError that names the override and what is wrong with it
 */
export function parseOverride(text: string): Override {
  const complain = (message: string): never => {
    throw new ConfigError([{ path: "", message, location: { file: `override "${text}"` } }]);
  };
  const prefix = /^(\+\+|\+|~)?/.exec(text)![0];
  const rest = text.slice(prefix.length);
  const equals = rest.indexOf("=");
  if (equals < 0 && prefix !== "~") complain("expected key=value (or ~key to delete a key)");
  const name = (equals < 0 ? rest : rest.slice(0, equals)).trim();
  const [key = "", pkg, ...more] = name.split("@");
  if (!KEY.test(key) || more.length > 0 || (pkg !== undefined && !PACKAGE.test(pkg))) {
    complain(
      `expected a key such as trainer.max_epochs or a group such as model before "=", received ${JSON.stringify(name)}`,
    );
  }
  let value: ValueTree | undefined;
  if (equals >= 0) {
    try {
      value = parseValue(rest.slice(equals + 1));
    } catch (error) {
      if (error instanceof ConfigError) complain(error.problems[0]!.message);
      throw error;
    }
  }
  const type = prefix === "++" ? "force" : prefix === "+" ? "add" : prefix === "~" ? "delete" : "change";
  return { type, key, package: pkg, value, text };
}

/** Whether an override asks for several jobs. */
export function isSweep(override: Override): boolean {
  return override.value instanceof Sweep;
}
