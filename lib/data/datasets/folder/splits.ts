import { readFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { readYaml, toPlain } from "../../../config";
import { displayPath } from "../../../config/compose/config-files";
import { FileNotFoundError, ValueError } from "../../../config/python-errors";
import { suggestNames } from "../../../config/nearest-names";
import { isMapping } from "../../../config/schema";
import { scope } from "../../../torch";
import { permutation } from "../../random/permutation";
import { unknownCase, type Case } from "./cases";
import type { SplitsConfig } from "./config";

/** Seed of the splits by shares where none is given. */
const DEFAULT_SEED = 0;

/**
 * The cases of each split. Lists take the cases that they name; shares divide the others in a random order that depends on nothing
 * but the seed and the names (`seed: null`: in their own order), and add up to 1. Every case is in exactly one split.
 *
 * @param root where paths of files with names begin
 * @throws ValueError for a name that is no case, that is in two splits or in none; for an empty split, and shares that do not add up to 1
 */
export function splitCases(cases: readonly Case[], config: SplitsConfig, root: string): Map<string, Case[]> {
  const { seed = DEFAULT_SEED, ...entries } = typeof config === "string" ? readSplits(config, root) : config;
  if (seed !== null && (typeof seed !== "number" || !Number.isInteger(seed) || seed < 0))
    throw new ValueError(`splits: expected an integer as seed, received ${JSON.stringify(seed)}`);
  const names = Object.keys(entries);
  if (names.length === 0) throw new ValueError("splits: expected at least one split, received none");
  const byName = new Map(cases.map((each) => [each.name, each]));
  const owners = new Map<string, string>();
  const result = new Map<string, Case[]>(names.map((name) => [name, []]));
  for (const [split, entry] of Object.entries(entries)) {
    if (typeof entry === "number") continue;
    const listed = typeof entry === "string" ? readNames(entry, root) : (entry as readonly string[]);
    for (const name of listed) {
      if (!byName.has(name)) throw unknownCase(`splits: ${split}`, name, cases);
      const owner = owners.get(name);
      if (owner === split) throw new ValueError(`splits: "${name}" is twice in "${split}"`);
      if (owner !== undefined)
        throw new ValueError(`splits: expected each case in one split, but "${name}" is in "${owner}" and "${split}"`);
      owners.set(name, split);
      result.get(split)!.push(byName.get(name)!);
    }
  }
  const rest = cases.filter(({ name }) => !owners.has(name));
  const shares = Object.entries(entries).filter((entry): entry is [string, number] => typeof entry[1] === "number");
  if (shares.length === 0 && rest.length > 0) {
    const shown = rest.slice(0, 5).map(({ name }) => `"${name}"`);
    throw new ValueError(
      `splits: expected each case in one split, but ${rest.length} are in none: ${shown.join(", ")}${rest.length > 5 ? ", …" : ""}; name them in a split or in cases.exclude`,
    );
  }
  for (const [split, part] of divide(rest, shares, seed)) result.set(split, part);
  for (const [split, part] of result) {
    if (part.length === 0)
      throw new ValueError(`splits: expected cases in "${split}", received none (there are ${cases.length} cases)`);
  }
  return result;
}

/** Parts whose sizes are as near to the shares as whole numbers allow, each in the order of the cases. */
function divide(
  cases: readonly Case[],
  shares: readonly (readonly [string, number])[],
  seed: number | null,
): [string, Case[]][] {
  if (shares.length === 0) return [];
  const total = shares.reduce((sum, [, share]) => sum + share, 0);
  if (Math.abs(total - 1) > 1e-6)
    throw new ValueError(
      `splits: expected shares that add up to 1, received ${shares.map(([, share]) => share).join(" + ")} = ${total}`,
    );
  const exact = shares.map(([, share]) => (share / total) * cases.length);
  const sizes = exact.map((size) => Math.floor(size + 1e-9));
  const byRemainder = exact.map((size, i) => [size - sizes[i]!, i] as const).sort(([a, i], [b, j]) => b - a || i - j);
  const missing = cases.length - sizes.reduce((sum, size) => sum + size, 0);
  for (const [, i] of byRemainder.slice(0, missing)) sizes[i]!++;
  const order = seed === null ? cases.map((_, i) => i) : randomOrder(cases.length, seed);
  let start = 0;
  return shares.map(([split], i) => {
    const chosen = order.slice(start, (start += sizes[i]!)).sort((a, b) => a - b);
    return [split, chosen.map((number) => cases[number]!)];
  });
}

function randomOrder(n: number, seed: number): number[] {
  return n === 0 ? [] : scope(() => (permutation(n, seed).toArray() as (number | bigint)[]).map(Number));
}

/** One name a line (`.txt`), or a list in YAML or JSON. */
function readNames(path: string, root: string): string[] {
  const file = resolve(root, path);
  if (![".yaml", ".yml", ".json"].includes(extname(file))) {
    return readText(file)
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
  }
  const plain = toPlain(readYaml(readText(file), displayPath(file)));
  if (Array.isArray(plain) && plain.every((name) => typeof name === "string")) return plain;
  throw new ValueError(`splits: expected a list of names in ${file}`);
}

function readSplits(path: string, root: string): Record<string, unknown> {
  const file = resolve(root, path);
  if (![".yaml", ".yml", ".json"].includes(extname(file)))
    throw new ValueError(`splits: expected a YAML or JSON file with a mapping of splits, received ${file}`);
  const plain = toPlain(readYaml(readText(file), displayPath(file)));
  if (!isMapping(plain)) throw new ValueError(`splits: expected a mapping of splits to names of cases in ${file}`);
  for (const [name, value] of Object.entries(plain)) {
    const isList = Array.isArray(value) && value.every((entry) => typeof entry === "string");
    if (
      name !== "seed" &&
      !isList &&
      !(typeof value === "number" && value > 0 && value <= 1) &&
      typeof value !== "string"
    )
      throw new ValueError(`splits: expected a list of names or a share for "${name}" in ${file}`);
  }
  return plain;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new FileNotFoundError(
      `splits: expected a file with the names of cases, received ${file}, which cannot be read`,
      { cause: error },
    );
  }
}

/** The cases of one split. @throws ValueError for a split that there is not */
export function casesOfSplit(splits: ReadonlyMap<string, readonly Case[]>, split: string): readonly Case[] {
  const cases = splits.get(split);
  if (cases) return cases;
  throw new ValueError(`expected a split of splits, received "${split}"; ${suggestNames(split, splits.keys())}`);
}
