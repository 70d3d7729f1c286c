import type { Axis, MetricTable, Series } from "./metric-table";

/** What a metric is about; the order in which they are shown. */
export const SECTIONS = [
  "Losses",
  "Metrics",
  "Learning rates",
  "Gradients",
  "Throughput",
  "Memory",
  "Time per update",
  "Other",
] as const;
/** One of {@link SECTIONS}. */
export type Section = (typeof SECTIONS)[number];

const PREFIXES: Readonly<Record<string, Section>> = {
  loss: "Losses",
  lossdiff: "Other",
  optim: "Learning rates",
  gradient: "Gradients",
  throughput: "Throughput",
  memory: "Memory",
  train_time: "Time per update",
};

/** Where a metric belongs. */
export function sectionOf(name: string): Section {
  const own = PREFIXES[name.split("/")[0]!];
  if (own !== undefined) return own;
  return /(^|\/)loss(\/|$)/.test(name) ? "Losses" : "Metrics";
}

/** A metric's key without the interval at its end, which differs between runs: `loss/online/total/U50` is `loss/online/total`. */
export function nameOf(key: string): string {
  return key.replace(/\/[EUS]\d+$/, "");
}

/** Samples a second while updates are made: without evaluation and checkpoints. */
export const THROUGHPUT = "throughput/samples_per_second";

/** Names of everything that a table can be asked for, with what is computed from it. */
export function namesOf(table: MetricTable): string[] {
  const names = new Set(table.keys().map(nameOf));
  if (throughputOf(table) !== undefined) names.add(THROUGHPUT);
  return [...names];
}

/** A metric by name; where it was logged at several intervals, the one with most values. */
export function seriesOf(table: MetricTable, name: string, axis: Axis = "update"): Series | undefined {
  if (name === THROUGHPUT) return throughputOf(table, axis);
  const key = finestKey(table, name);
  return key === undefined ? undefined : table.series(key, axis);
}

function finestKey(table: MetricTable, name: string): string | undefined {
  const keys = table.keys().filter((key) => nameOf(key) === name);
  return keys.sort((a, b) => table.count(b) - table.count(a))[0];
}

function throughputOf(table: MetricTable, axis: Axis = "update"): Series | undefined {
  const key = finestKey(table, "train_time/update/mean");
  const update = key === undefined ? undefined : table.series(key, axis);
  const samples = table.samplesPerUpdate;
  if (key === undefined || update === undefined || !(samples > 0)) return undefined;
  const waiting = table.series(key.replace("/update/", "/data_wait/"))?.y;
  return { x: update.x, y: update.y.map((seconds, i) => samples / (seconds + (waiting?.[i] ?? 0))) };
}
