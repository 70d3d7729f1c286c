import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { z } from "zod";
import { register } from "../../config/registry";
import { ValueError } from "../../config/python-errors";
import { str, tag, type FieldType } from "../../config/schema";
import { appendToTextFile, writeTextFile } from "../writers/text-file";
import { BaseTracker, TrackerBaseConfig, type TrackerDependencies, type TrackerInit } from "./base";
import { lineOf, parseCsv } from "./csv-text";
import { toScalar } from "./metrics-file";

/** Config of {@link CsvTracker}. */
export const CsvTrackerConfig = TrackerBaseConfig.extend("CsvTrackerConfig", {
  fields: {
    kind: tag("noether.core.trackers.CsvTracker"),
    /** File, in the run's folder; an absolute path is taken as it is. */
    path: str().default("metrics.csv"),
  },
});
export type CsvTrackerConfig = z.output<typeof CsvTrackerConfig>;

/**
 * Writes metrics as a table, a row an update and a column a metric (RFC 4180, `nan` and `inf` as Python writes them). A metric that comes
 * later adds its column to all rows; what was not logged at an update is empty.
 */
export class CsvTracker extends BaseTracker {
  static readonly schema: FieldType = CsvTrackerConfig;
  #path = "";
  #columns: string[] = [];
  #rows: string[][] | null = null;

  constructor(
    readonly config: CsvTrackerConfig,
    dependencies: TrackerDependencies,
  ) {
    super(dependencies);
  }

  protected override initBackend({ outputUri }: TrackerInit): void {
    this.#path = resolve(outputUri, this.config.path);
  }

  protected override logBackend(data: Readonly<Record<string, unknown>>): void {
    const values = Object.entries(data).flatMap(([key, value]) => {
      const scalar = toScalar(value);
      return scalar === undefined ? [] : [[key, cellOf(scalar)] as const];
    });
    const rows = this.#rows ?? this.#earlierRows(Number(data["update"]));
    const isNew = this.#rows === null;
    this.#rows = rows;
    const added = values.map(([key]) => key).filter((key) => !this.#columns.includes(key));
    this.#columns.push(...added);
    const byKey = new Map(values);
    const row = this.#columns.map((column) => byKey.get(column) ?? "");
    rows.push(row);
    if (isNew || added.length > 0) this.#rewrite(rows);
    else appendToTextFile(this.#path, lineOf(row));
  }

  /** Rows of a run that continues, up to where it continues. */
  #earlierRows(update: number): string[][] {
    if (!existsSync(this.#path)) return [];
    const [columns, ...rows] = parseCsv(readFileSync(this.#path, "utf8"));
    const at = columns?.indexOf("update") ?? -1;
    if (columns === undefined) return [];
    if (at < 0) throw new ValueError(`'${this.#path}' is not a table of metrics: it has no column "update"`);
    this.#columns = columns;
    return rows.filter((row) => Number(row[at]) < update);
  }

  #rewrite(rows: readonly string[][]): void {
    const padded = rows.map((row) => this.#columns.map((_, i) => row[i] ?? ""));
    writeTextFile(this.#path, [this.#columns, ...padded].map(lineOf).join(""));
  }

  protected override updateSummaryBackend(): void {}

  protected override closeBackend(): void {}
}

function cellOf(value: number | boolean | string): string {
  if (typeof value !== "number") return String(value);
  return Number.isNaN(value) ? "nan" : Math.abs(value) === Infinity ? (value > 0 ? "inf" : "-inf") : String(value);
}

register("noether.core.trackers.CsvTracker", { class: CsvTracker });
