/** Statistics of the training cases in a file beside the data, so that the next run need not read all of these. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { isMapping } from "../../../config/schema";
import { getLogger } from "../../../core/logging";
import { writeTextFile } from "../../../core/writers/text-file";
import type { ChannelStatistics } from "./statistics";

/** Changes when the numbers are computed in another way. */
const VERSION = 1;
/** Folders of a case are looked into so deep: times of an OpenFOAM case and their files. */
const DEPTH = 2;

/** What statistics depend on. */
export interface StatisticsSource {
  /** Folder of the cases. */
  readonly folder: string;
  /** All that the config says about the values, as JSON has it. */
  readonly config: unknown;
  /** All files of all training cases. */
  readonly files: readonly string[];
}

/** Path of the file: its name tells config and files apart, by their sizes and times of change. */
export function cachePath({ folder, config, files }: StatisticsSource): string {
  const hash = createHash("sha256").update(JSON.stringify([VERSION, config]));
  for (const file of files) hash.update(`\n${relative(folder, file)} ${signature(file, DEPTH)}`);
  return join(folder, ".noether", `statistics-${hash.digest("hex").slice(0, 16)}.json`);
}

function signature(path: string, depth: number): string {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status) return "none";
  if (!status.isDirectory()) return `${status.size} ${status.mtimeMs}`;
  if (depth === 0) return String(status.mtimeMs);
  const inner = readdirSync(path).sort();
  return inner.map((name) => `${name} ${signature(join(path, name), depth - 1)}`).join("\n");
}

/** What an earlier run stored; undefined where there is nothing that can be used. */
export function readCache(path: string, keys: readonly string[]): Map<string, ChannelStatistics> | undefined {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
  if (!isMapping(content)) return undefined;
  const entries = keys.map((key) => [key, (content as Record<string, unknown>)[key]] as const);
  return entries.every(([, value]) => isStatistics(value))
    ? new Map(entries as [string, ChannelStatistics][])
    : undefined;
}

function isStatistics(value: unknown): value is ChannelStatistics {
  if (!isMapping(value)) return false;
  const lists = ["mean", "std", "min", "max"].map((name) => value[name]);
  const isNumbers = (list: unknown): boolean => Array.isArray(list) && list.every((number) => Number.isFinite(number));
  return lists.every(isNumbers) && new Set(lists.map((list) => (list as number[]).length)).size === 1;
}

/** Stores statistics for the next run. A folder that cannot be written to is no error: they are computed again then. */
export function writeCache(path: string, statistics: ReadonlyMap<string, ChannelStatistics>): void {
  try {
    writeTextFile(path, `${JSON.stringify(Object.fromEntries(statistics), null, 1)}\n`);
  } catch (error) {
    getLogger("FolderDataset").debug(`the statistics are not kept for the next run: ${(error as Error).message}`);
  }
}
