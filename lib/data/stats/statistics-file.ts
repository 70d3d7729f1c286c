import { accessSync, constants, existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, extname } from "node:path";
import { RuntimeError, ValueError } from "../../config/python-errors";
import { pyFloatRepr } from "../../config/python-format";
import { Float } from "../../config/yaml/nodes";
import { writeYaml } from "../../config/yaml/writer";
import { writeFileWhole } from "../readers/file-sink";
import type { RunningMoments } from "./running-moments";

/** Releases of the Python framework whose files can be written: flat `<field>_mean`, or one mapping a field. */
export const STATISTICS_FORMATS = ["2026.4", "1.1"] as const;
export type StatisticsFormat = (typeof STATISTICS_FORMATS)[number];

type Entry = boolean | number | Float | Float[];
type Tree = { [key: string]: Entry | Tree };

/**
 * Writes a file of statistics that `readStatistics` and the Python framework read: YAML where the name ends in `.yaml` or
 * `.yml`, else JSON. Fields come in alphabetical order; mean and deviation are lists, the limits of a single channel are bare
 * numbers. The file appears when it is complete; one that was there before is untouched until then.
 *
 * @param format - `2026.4`: `surface_pressure_mean` and so on, which a data set reads as its `statsFile`; `1.1`: one mapping a field
 * @throws ValueError where a field has fewer than two values or a number that is not finite, RuntimeError when it cannot be written
 */
export function writeStatistics(
  file: string,
  moments: ReadonlyMap<string, RunningMoments>,
  format: StatisticsFormat = "2026.4",
): void {
  const names = [...moments.keys()].sort();
  const tree: Tree = {};
  for (const name of names) {
    const entries = entriesOf(name, moments.get(name)!);
    if (format === "1.1") tree[name] = Object.fromEntries(entries);
    else for (const [key, value] of entries) tree[`${name}_${key}`] = value;
  }
  checkWritable(file);
  const isYaml = [".yaml", ".yml"].includes(extname(file).toLowerCase());
  writeFileWhole(file, (sink) => sink.write(isYaml ? writeYaml(tree) : `${jsonOf(tree)}\n`));
}

/**
 * Makes the folder of a file, and finds out whether it can be written there: before long work, not after it.
 *
 * @throws RuntimeError that says why not
 */
export function checkWritable(file: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    accessSync(dirname(file), constants.W_OK);
  } catch (cause) {
    throw new RuntimeError(`cannot write '${file}': ${(cause as Error).message}`, { cause });
  }
  if (existsSync(file) && !statSync(file).isFile())
    throw new RuntimeError(`cannot write '${file}': expected a file there, found a directory or device`);
}

function entriesOf(name: string, moments: RunningMoments): [string, Entry][] {
  if (moments.count < 2)
    throw new ValueError(`expected at least two values of "${name}" for its statistics, received ${moments.count}`);
  const { mean, std, min, max, count } = moments.dump();
  if (![mean, std, min, max].flat().every(Number.isFinite))
    throw new ValueError(
      `expected finite statistics of "${name}", received mean ${mean.join(", ")}; its data has NaN or infinite values`,
    );
  const list = (values: readonly number[]) => values.map((value) => new Float(value));
  const limit = (values: readonly number[]) => (values.length === 1 ? new Float(values[0]!) : list(values));
  return [
    ["mean", list(mean)],
    ["std", list(std)],
    ["min", limit(min)],
    ["max", limit(max)],
    ["count", count],
    ["log_scale", moments.logScale],
  ];
}

/** JSON as Python writes it with `indent=2`: a number with a fraction has its dot, so that it is read as one. */
function jsonOf(value: Entry | Tree, indent = ""): string {
  if (value instanceof Float) return pyFloatRepr(value.value);
  if (typeof value !== "object") return String(value);
  const inner = `${indent}  `;
  const items = Array.isArray(value)
    ? value.map((item) => jsonOf(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${jsonOf(item, inner)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return items.length === 0 ? `${open}${close}` : `${open}\n${inner}${items.join(`,\n${inner}`)}\n${indent}${close}`;
}
