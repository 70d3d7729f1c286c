import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isMapping, readYaml, toPlain } from "../../config";
import { compactNumber, durationForPeople } from "../../core/logging/formatters";
import { lineOf } from "../../core/trackers/csv-text";
import { readMetrics } from "../../core/trackers/read-metrics";

/** A run of a sweep, in its table. */
export interface SweepRow {
  readonly run: number;
  /** What the run has of its own: overridden keys, or keys that differ. */
  readonly keys: Readonly<Record<string, string>>;
  readonly status: string;
  readonly seconds: number | null;
  readonly path: string | null;
  /** `{metric}/last`, and `{metric}/min` or `{metric}/max`, whichever is better. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** Name of the table in the folder of a sweep. */
export const RESULTS = "results.csv";

/** What a job overrides, without the signs: `+seed=1` is `{ seed: "1" }`. */
export function keysOf(overrides: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    overrides.map((text) => {
      const [, key = text, value = ""] = /^\+{0,2}([^=]*)=?(.*)$/s.exec(text) ?? [];
      return [key, value];
    }),
  );
}

/** Columns that are not keys or metrics. */
const FIXED = ["run", "status", "seconds", "path"];

/** Metrics of a run: its summary, or, of one that did not come to its end, the last values that it logged. */
export function runMetrics(path: string): Record<string, number> {
  const summary = join(path, "tracker", "summary.yaml");
  if (existsSync(summary)) {
    const content = toPlain(readYaml(readFileSync(summary, "utf8"), summary));
    if (isMapping(content) && Object.keys(content).some((key) => key.endsWith("/last"))) return numbersOf(content);
  }
  const metrics = join(path, "tracker", "metrics.jsonl");
  const last: Record<string, number> = {};
  for (const line of existsSync(metrics) ? readMetrics(metrics) : [])
    for (const [key, value] of Object.entries(line)) if (typeof value === "number") last[`${key}/last`] = value;
  return last;
}

function numbersOf(content: Readonly<Record<string, unknown>>): Record<string, number> {
  const entries = Object.entries(content).filter((entry): entry is [string, number] => typeof entry[1] === "number");
  return Object.fromEntries(entries);
}

/** The rows as CSV: number, keys, status, seconds, folder, then every metric of any run. */
export function resultsCsv(rows: readonly SweepRow[]): string {
  const keys = namesOf(rows, "keys");
  const metrics = namesOf(rows, "metrics").sort();
  // a key of a config may have the name of a column of its own
  const header = [...FIXED.slice(0, 1), ...keys.map((key) => (FIXED.includes(key) ? `config.${key}` : key))];
  return [
    [...header, ...FIXED.slice(1), ...metrics],
    ...rows.map((row) => [
      String(row.run),
      ...keys.map((key) => row.keys[key] ?? ""),
      row.status,
      row.seconds === null ? "" : row.seconds.toFixed(1),
      row.path ?? "",
      ...metrics.map((metric) => (row.metrics[metric] === undefined ? "" : numberText(row.metrics[metric]))),
    ]),
  ]
    .map(lineOf)
    .join("");
}

/** As Python writes it, for pandas. */
function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : String(value).toLowerCase().replace("infinity", "inf");
}

/**
 * The rows as a table for people: the keys that differ between the runs, and as many metrics as fit into `width` columns, those of callbacks
 * first, each with its best value.
 */
export function resultsTable(rows: readonly SweepRow[], width: number): string {
  const varying = namesOf(rows, "keys").filter((key) => new Set(rows.map(({ keys }) => keys[key])).size > 1);
  const columns = [
    column("run", rows, ({ run }) => String(run)),
    ...varying.map((key) => column(key, rows, ({ keys }) => keys[key] ?? "")),
    column("status", rows, ({ status }) => status),
    column("time", rows, ({ seconds }) => (seconds === null ? "" : durationForPeople(seconds))),
  ];
  for (const metric of metricsForPeople(rows)) {
    const next = column(metric, rows, ({ metrics }) => {
      const value = metrics[metric];
      return value === undefined ? "" : compactNumber(value);
    });
    if (lineWidth([...columns, next]) > width) break;
    columns.push(next);
  }
  return Array.from({ length: rows.length + 1 }, (_, line) =>
    columns
      .map((cells) => cells[line]!)
      .join("  ")
      .trimEnd(),
  )
    .map((line) => `${line}\n`)
    .join("");
}

/** A cell for the head and one for each row, all of one width. */
function column(name: string, rows: readonly SweepRow[], cellOf: (row: SweepRow) => string): string[] {
  const cells = [name, ...rows.map(cellOf)];
  const width = Math.max(...cells.map(({ length }) => length));
  return cells.map((cell) => cell.padEnd(width));
}

function lineWidth(columns: readonly string[][]): number {
  return columns.reduce((sum, [head]) => sum + head!.length + 2, -2);
}

/** The best value of each metric, or its last where none is best; what training logs by itself comes last. */
function metricsForPeople(rows: readonly SweepRow[]): string[] {
  const names = namesOf(rows, "metrics");
  const best = names
    .filter((name) => name.endsWith("/last"))
    .map((name) => name.slice(0, -"/last".length))
    .filter((name) => !/^(epoch|update|sample)$|^(optim|train_time|memory|profiling|ds_stats|param_count)\//.test(name))
    .map((name) => [`${name}/min`, `${name}/max`].find((other) => names.includes(other)) ?? `${name}/last`);
  const isOwn = (name: string): boolean => name.startsWith("loss/online/");
  return [...best.filter((name) => !isOwn(name)), ...best.filter(isOwn)];
}

function namesOf(rows: readonly SweepRow[], of: "keys" | "metrics"): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row[of])))];
}
