import { readFileSync } from "node:fs";
import { readYaml, toPlain } from "../../config";
import { displayPath } from "../../config/compose/config-files";
import { FileNotFoundError, ValueError } from "../../config/python-errors";
import { isMapping } from "../../config/schema";

/** Numbers about the fields of a data set by name: `surface_pressure_mean`, `volume_velocity_std`, `raw_pos_min`, … */
export type Statistics = Readonly<Record<string, number | readonly number[]>>;

/**
 * Reads a file of statistics, YAML or JSON: a mapping of names to numbers or lists of numbers, or one mapping a field,
 * `{ surface_pressure: { mean: [0.1], std: [2] } }`, as `noether-dataset-stats` of release 1.1 of the Python framework writes it.
 *
 * @throws ValueError that names an entry which is neither
 */
export function readStatistics(file: string): Statistics {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new FileNotFoundError(`expected a file of statistics, received '${file}', which cannot be read`, {
      cause: error,
    });
  }
  const plain = toPlain(readYaml(text, displayPath(file)));
  if (!isMapping(plain)) throw new ValueError(`expected a mapping of statistics in '${file}'`);
  return toStatistics(plain, file);
}

/** Statistics from a plain mapping; `source` is where it comes from, for messages. */
function toStatistics(plain: Readonly<Record<string, unknown>>, source: string): Statistics {
  const flat = Object.entries(plain).flatMap(([name, value]): [string, unknown][] =>
    isMapping(value) ? Object.entries(value).map(([key, entry]) => [`${name}_${key}`, entry]) : [[name, value]],
  );
  return Object.fromEntries(
    flat.map(([name, value]) => {
      if (typeof value === "boolean") return [name, Number(value)]; // `…_log_scale`
      const numbers: unknown[] = Array.isArray(value) ? value : [value];
      if (numbers.length > 0 && numbers.every((number) => typeof number === "number"))
        return [name, value as number | number[]];
      throw new ValueError(`expected a number or a list of numbers for "${name}" in '${source}'`);
    }),
  );
}
