import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import {
  describeRun,
  findRuns,
  MetricsReader,
  MetricTable,
  namesOf,
  type RunDescription,
  THROUGHPUT,
} from "../../core/runs";
import { Stars } from "./stars";

/** A run as the dashboard lists it. */
export interface ListedRun extends RunDescription {
  /** Its path below the folder of all runs. */
  readonly id: string;
  readonly starred: boolean;
}

/** Files whose change makes a run look different. */
const WATCHED = [
  "tracker/metrics.jsonl",
  "tracker/summary.yaml",
  "tracker/entries.th",
  "log.txt",
  ".lock",
  "report.html",
  "pictures",
];
/** Metrics that are kept in memory; those of runs that were not looked at for longest are dropped first. */
const MEMORY = 768 * 2 ** 20;

/**
 * The runs below a folder, read again where files changed. Runs are only ever found by walking the folder: an id that is not among them
 * is unknown, whatever path it spells.
 */
export class RunCatalogue {
  readonly root: string;
  readonly stars: Stars;
  #folders: ReadonlyMap<string, string> = new Map();
  #sweeps: ReadonlyMap<string, string> = new Map();
  readonly #listed = new Map<string, { readonly stamp: string; readonly run: RunDescription }>();
  /** The last one is the one that was asked for last. */
  readonly #readers = new Map<string, MetricsReader>();

  constructor(
    root: string,
    private readonly memory = MEMORY,
  ) {
    this.root = resolve(root);
    this.stars = new Stars(this.root);
  }

  /** Looks for runs and reads those that changed. */
  async scan(): Promise<{ readonly changed: string[]; readonly removed: string[] }> {
    const { runs, sweeps } = await findRuns(this.root);
    const removed = [...this.#folders.keys()].filter((id) => !runs.has(id));
    const sweepsChanged = [...sweeps.keys()].join("\n") !== [...this.#sweeps.keys()].join("\n");
    [this.#folders, this.#sweeps] = [runs, sweeps];
    for (const id of removed) {
      this.#listed.delete(id);
      this.#readers.delete(id);
    }
    const changed = await this.refresh();
    return { changed: sweepsChanged && changed.length === 0 ? [""] : changed, removed };
  }

  /** Reads the known runs that changed; their ids. */
  async refresh(): Promise<string[]> {
    const changed: string[] = [];
    for (const [id, folder] of this.#folders) {
      const known = this.#listed.get(id);
      const stamp = await stampOf(folder);
      // a run under way may die without a change of any file
      if (known?.stamp === stamp && known.run.state !== "running") continue;
      const run = await describeRun(folder);
      const isNew = known?.stamp !== stamp || known.run.state !== run.state;
      this.#listed.set(id, { stamp, run });
      if (isNew) changed.push(id);
    }
    return changed;
  }

  get runs(): ListedRun[] {
    return [...this.#listed].map(([id, { run }]) => ({ ...run, id, starred: this.stars.has(id) }));
  }

  get sweeps(): string[] {
    return [...this.#sweeps.keys()];
  }

  /** The folder of a run; undefined: there is none of this id. */
  folderOf(id: string): string | undefined {
    return this.#folders.get(id);
  }

  sweepFolder(id: string): string | undefined {
    return this.#sweeps.get(id);
  }

  /** Whether a run's metrics are in memory, up to what was new since. */
  isRead(id: string): boolean {
    return this.#readers.has(id);
  }

  /** Everything that a run has logged, up to now. */
  async tableOf(id: string): Promise<MetricTable> {
    const reader = this.#readers.get(id) ?? new MetricsReader(this.#folders.get(id)!);
    this.#readers.delete(id);
    this.#readers.set(id, reader);
    return reader.refresh();
  }

  /** Forgets metrics that were asked for longest ago where all take too much memory; those of `kept` stay. */
  trim(kept: readonly string[]): void {
    let bytes = 0;
    for (const { table } of this.#readers.values()) bytes += table.bytes;
    for (const [id, { table }] of this.#readers) {
      if (bytes <= this.memory) return;
      if (kept.includes(id)) continue;
      this.#readers.delete(id);
      bytes -= table.bytes;
    }
  }

  /** Names of the metrics of a run, as far as they are known without reading everything. */
  namesOf(id: string): string[] {
    const { values = {} } = this.#listed.get(id)?.run ?? {};
    const names = new Set([...Object.keys(values), ...namesOf(this.#readers.get(id)?.table ?? new MetricTable())]);
    if (names.has("train_time/update/mean")) names.add(THROUGHPUT);
    return [...names];
  }

  /** What the page calls the folder of all runs. */
  get title(): string {
    return join(basename(dirname(this.root)), basename(this.root));
  }
}

async function stampOf(folder: string): Promise<string> {
  const parts = await Promise.all(
    WATCHED.map(async (file) => {
      const found = await stat(join(folder, file)).catch(() => null);
      return found === null ? "-" : `${found.size}:${found.mtimeMs}`;
    }),
  );
  return parts.join(" ");
}
