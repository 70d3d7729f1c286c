import { readFileSync } from "node:fs";

/** Metrics of one update: `epoch`, `update`, `sample`, and what was logged. */
export type Metrics = Readonly<Record<string, unknown>>;

/** What JSON has no numbers for. */
const NUMBERS = new Map<unknown, number>([NaN, Infinity, -Infinity].map((number) => [String(number), number]));

/** The lines of a `MetricsFile`; a last line that a killed process left unfinished is dropped. Needs no libtorch. */
export function readMetrics(path: string): Record<string, unknown>[] {
  const lines = readFileSync(path, "utf8").split("\n");
  lines.pop(); // after the last line end: nothing, or half a line
  return lines.map((line) => JSON.parse(line, (_, value: unknown) => NUMBERS.get(value) ?? value) as Metrics);
}
