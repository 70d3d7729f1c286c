import { readFileSync } from "node:fs";

/** Metrics of one update: `epoch`, `update`, `sample`, and what was logged. */
export type Metrics = Readonly<Record<string, unknown>>;

/** What JSON has no numbers for. */
const NUMBERS = new Map<unknown, number>([NaN, Infinity, -Infinity].map((number) => [String(number), number]));

/** When a line was written, in seconds since 1970: how Weights & Biases calls it. No metric. */
export const TIMESTAMP = "_timestamp";

/**
 * The lines of a `MetricsFile` without their time; a last line that a killed process left unfinished is dropped. Needs no libtorch.
 */
export function readMetrics(path: string): Record<string, unknown>[] {
  return readLines(path).map(({ [TIMESTAMP]: _, ...metrics }) => metrics);
}

/** {@link readMetrics} with the {@link TIMESTAMP} of each line. */
export function readLines(path: string): Record<string, unknown>[] {
  const lines = readFileSync(path, "utf8").split("\n");
  lines.pop(); // after the last line end: nothing, or half a line
  return lines.map((line) => JSON.parse(line, (_, value: unknown) => NUMBERS.get(value) ?? value) as Metrics);
}
