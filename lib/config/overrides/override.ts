import { ConfigError } from "../errors";
import { parseOverrideText } from "./override-grammar";
import { isSweepValue, type ValueTree } from "./override-value";

/** One command-line override: `key=value`, `+key=value`, `++key=value`, `~key[=value]`. */
export interface Override {
  readonly type: "change" | "add" | "force" | "delete";
  /** Dotted config path or group path (`experiment/shapenet`). */
  readonly key: string;
  /** After `@`: the package of a group. */
  readonly package?: string;
  /** Undefined only for `~key` without a value. */
  readonly value?: ValueTree;
  /** As it was typed. */
  readonly text: string;
}

const TYPES = { "": "change", "+": "add", "++": "force", "~": "delete" } as const;

/**
 * Parses one override.
 *
 * @throws ConfigError that names the override and what is wrong with it
 */
export function parseOverride(text: string): Override {
  try {
    const { prefix, key, package: pkg, value } = parseOverrideText(text);
    return { type: TYPES[prefix], key, package: pkg, value, text };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError([
      { path: "", message: error.problems[0]!.message, location: { file: `override "${shortened(text)}"` } },
    ]);
  }
}

function shortened(text: string): string {
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}

/** Whether an override asks for several jobs. */
export function isSweep(override: Override): boolean {
  return isSweepValue(override.value);
}
