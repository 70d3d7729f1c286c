import { parseArgs } from "node:util";
import { nearestNames } from "../config/nearest-names";
import { UsageError } from "./hydra-arguments";

type Options = Readonly<
  Record<string, { readonly type: "string" | "boolean"; readonly short?: string; readonly multiple?: boolean }>
>;

type ValueOf<O extends Options[string]> = O["type"] extends "boolean"
  ? boolean
  : O["multiple"] extends true
    ? string[]
    : string;

/** What was given. */
interface GivenOptions<O extends Options> {
  readonly values: { readonly [K in keyof O]?: ValueOf<O[K]> };
  readonly positionals: readonly string[];
}

/**
 * The options and words of a command line without overrides.
 *
 * @param words - whether there may be words that are no options
 * @throws UsageError for an option that there is not, or that lacks its value
 */
export function readOptions<const O extends Options>(
  args: readonly string[],
  options: O,
  words = false,
): GivenOptions<O> {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: words }) as GivenOptions<O>;
  } catch (error) {
    // Node explains how to give a word that looks like an option: nobody here wants that
    const [problem = ""] = (error as Error).message.split(/\. (?=To specify|This command)/);
    const unknown = /^Unknown option '(.*)'/.exec(problem)?.[1];
    if (unknown === undefined) throw new UsageError(problem);
    const names = Object.keys(options).map((name) => `--${name}`);
    const near = nearestNames(unknown, names);
    throw new UsageError(`unknown option ${unknown}${near.length > 0 ? `; did you mean ${near.join(" or ")}?` : ""}`);
  }
}
