import { createRequire } from "node:module";
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import type * as EntriesFile from "./entries-file";
import { MetricTable } from "./metric-table";

/** Bytes that are read at a time; in between, others get their turn. */
const PART = 2 ** 20;
const NEWLINE = 10;

/**
 * Metrics of a run's folder, kept up to date: `tracker/metrics.jsonl` from where the last reading ended, else `tracker/entries.th`, which
 * runs of the Python framework leave.
 */
export class MetricsReader {
  table = new MetricTable();
  readonly #folder: string;
  /** Of `metrics.jsonl`: which file, and how far it is read. */
  #inode = -1;
  #offset = 0;
  /** When the `entries.th` that was read was written. */
  #entriesTime = -1;
  #reading: Promise<void> | null = null;

  constructor(folder: string) {
    this.#folder = join(folder, "tracker");
  }

  /** Reads what is new. */
  async refresh(): Promise<MetricTable> {
    this.#reading ??= this.#read().finally(() => (this.#reading = null));
    await this.#reading;
    return this.table;
  }

  async #read(): Promise<void> {
    const path = join(this.#folder, "metrics.jsonl");
    const found = await stat(path).catch(() => null);
    if (found === null) return this.#readEntries(join(this.#folder, "entries.th"));
    // a run that goes on from a checkpoint replaces the file
    if (found.ino !== this.#inode || found.size < this.#offset) {
      this.table = new MetricTable();
      [this.#inode, this.#offset] = [found.ino, 0];
    }
    if (found.size > this.#offset) await this.#readLines(path, found.size);
  }

  async #readLines(path: string, size: number): Promise<void> {
    const file = await open(path);
    let rest = Buffer.alloc(0);
    try {
      let position = this.#offset;
      while (position < size) {
        const part = Buffer.allocUnsafe(Math.min(PART, size - position));
        const { bytesRead } = await file.read(part, 0, part.length, position);
        if (bytesRead === 0) break;
        position += bytesRead;
        const bytes =
          rest.length === 0 ? part.subarray(0, bytesRead) : Buffer.concat([rest, part.subarray(0, bytesRead)]);
        const end = bytes.lastIndexOf(NEWLINE);
        for (const line of bytes.toString("utf8", 0, Math.max(end, 0)).split("\n")) this.#addLine(line);
        rest = bytes.subarray(end + 1);
      }
      // half a line is read again when it is whole
      this.#offset = position - rest.length;
    } finally {
      await file.close();
    }
  }

  #addLine(line: string): void {
    if (line === "") return;
    try {
      this.table.add(JSON.parse(line) as Record<string, unknown>);
    } catch {
      // a line that is damaged takes no others with it
    }
  }

  async #readEntries(path: string): Promise<void> {
    const found = await stat(path).catch(() => null);
    if (found === null || found.mtimeMs === this.#entriesTime) return;
    this.#entriesTime = found.mtimeMs;
    // only now: it loads libtorch
    const { entriesOf } = createRequire(__filename)("./entries-file") as typeof EntriesFile;
    this.table = new MetricTable();
    for (const entry of entriesOf(path)) this.table.add(entry);
  }
}
