import { counts, doubles, GrowingColumn } from "./growing-column";

/** What a metric can be drawn over. `time` is in seconds since the first entry. */
export type Axis = "update" | "epoch" | "sample" | "time";

/** A metric over an axis; both of the same length. */
export interface Series {
  readonly x: Float64Array;
  readonly y: Float64Array;
}

interface Column {
  /** Rows that have a value; null as long as these are all rows from the first. */
  rows: GrowingColumn<Uint32Array> | null;
  readonly values: GrowingColumn<Float64Array>;
}

/** Keys of an entry that are no metrics. */
const POSITION = new Set(["epoch", "update", "sample", "_timestamp"]);

/** Metrics of a run in columns: an entry of 10⁵ updates with ten metrics takes 10 MB. */
export class MetricTable {
  readonly #update = new GrowingColumn(doubles);
  readonly #epoch = new GrowingColumn(counts);
  readonly #sample = new GrowingColumn(doubles);
  readonly #time = new GrowingColumn(doubles);
  readonly #columns = new Map<string, Column>();

  /** Entries so far. */
  get length(): number {
    return this.#update.length;
  }

  get bytes(): number {
    let sum = this.#update.bytes + this.#epoch.bytes + this.#sample.bytes + this.#time.bytes;
    for (const { rows, values } of this.#columns.values()) sum += values.bytes + (rows?.bytes ?? 0);
    return sum;
  }

  keys(): string[] {
    return [...this.#columns.keys()];
  }

  /** Values that a metric has. */
  count(key: string): number {
    return this.#columns.get(key)?.values.length ?? 0;
  }

  /** Adds what was logged at an update; what is not a number is left out. `"NaN"`, `"Infinity"` and `"-Infinity"` are numbers. */
  add(entry: Readonly<Record<string, unknown>>): void {
    const row = this.length;
    this.#update.push(Number(entry["update"] ?? row));
    this.#epoch.push(Number(entry["epoch"] ?? 0));
    this.#sample.push(Number(entry["sample"] ?? 0));
    this.#time.push(Number(entry["_timestamp"] ?? NaN));
    for (const key in entry) {
      if (POSITION.has(key)) continue;
      const value = numberOf(entry[key]);
      if (value !== undefined) this.#put(key, row, value);
    }
  }

  #put(key: string, row: number, value: number): void {
    let column = this.#columns.get(key);
    if (column === undefined)
      this.#columns.set(
        key,
        (column = { rows: row === 0 ? null : new GrowingColumn(counts), values: new GrowingColumn(doubles) }),
      );
    const { values } = column;
    if (column.rows === null && values.length !== row) {
      // the first gap
      column.rows = new GrowingColumn(counts);
      for (let earlier = 0; earlier < values.length; earlier++) column.rows.push(earlier);
    }
    column.rows?.push(row);
    values.push(value);
  }

  /** A metric over an axis; undefined: nothing of it was logged. Where the times are not known, `time` is that of the update. */
  series(key: string, axis: Axis = "update"): Series | undefined {
    const column = this.#columns.get(key);
    if (column === undefined) return undefined;
    const y = column.values.view();
    const x = new Float64Array(y.length);
    const start = this.#time.at(0);
    for (let i = 0; i < y.length; i++) {
      const row = column.rows === null ? i : column.rows.at(i);
      x[i] = this.#place(row, axis, start);
    }
    return { x, y };
  }

  #place(row: number, axis: Axis, start: number): number {
    if (axis === "epoch") return this.#epoch.at(row);
    if (axis === "sample") return this.#sample.at(row);
    if (axis === "time" && !Number.isNaN(start)) return this.#time.at(row) - start;
    return this.#update.at(row);
  }

  /** Samples of an update, by the last entry; NaN: not known. */
  get samplesPerUpdate(): number {
    const last = this.length - 1;
    return last < 0 ? NaN : this.#sample.at(last) / this.#update.at(last);
  }
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return Number(value);
  return value === "NaN" || value === "Infinity" || value === "-Infinity" ? Number(value) : undefined;
}
