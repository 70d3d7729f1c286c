import { type Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative, sep } from "node:path";

/** What lies below a folder. */
export interface FoundRuns {
  /** Folders of runs by id: their path below the root with slashes; the root itself is `.`. */
  readonly runs: ReadonlyMap<string, string>;
  /** Folders with the `results.csv` of a sweep, in the same way. */
  readonly sweeps: ReadonlyMap<string, string>;
}

/** In these a run keeps things of its own. */
const INSIDE_A_RUN = new Set([
  "checkpoints",
  "code",
  "pictures",
  "profiler",
  "runs",
  "tracker",
  "update_outputs",
  "wandb",
]);
const NEVER = new Set(["node_modules", "__pycache__"]);
/** Folders below the root: `<output root>/debug/<sweep>/<number>/<stage>` and some to spare. */
const DEEPEST = 6;

/**
 * Looks for runs and sweeps: folders with `hp_resolved.yaml`, or with a log or metrics. Symbolic links are not followed, so nothing
 * outside of the root is found. What cannot be read is left out.
 */
export async function findRuns(root: string): Promise<FoundRuns> {
  const runs = new Map<string, string>();
  const sweeps = new Map<string, string>();
  const walk = async (folder: string, depth: number): Promise<void> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch((): Dirent[] => []);
    const names = new Set(entries.map(({ name }) => name));
    const id = relative(root, folder).split(sep).join("/") || ".";
    const isRun =
      names.has("hp_resolved.yaml") || (names.has("log.txt") && (names.has("tracker") || names.has("checkpoints")));
    if (isRun) runs.set(id, folder);
    else if (names.has("results.csv")) sweeps.set(id, folder);
    if (depth === DEEPEST) return;
    for (const entry of entries) {
      if (!entry.isDirectory() || entry.name.startsWith(".") || NEVER.has(entry.name)) continue;
      if (isRun && INSIDE_A_RUN.has(entry.name)) continue;
      await walk(join(folder, entry.name), depth + 1);
    }
  };
  await walk(root, 0);
  return { runs: byName(runs), sweeps: byName(sweeps) };
}

function byName(found: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...found].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true })));
}
