import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { openSqlite, type SqliteDatabase } from "../../io/cache/sqlite";
import { IoError } from "../../io/errors";
import { ServiceRefusal } from "./request";

/** An entry of Trackio: what one step logged. */
export interface TrackioEntry {
  readonly project: string;
  /** Name for people. */
  readonly run: string;
  readonly run_id: string;
  readonly metrics: Readonly<Record<string, number | boolean | string | object>>;
  readonly step: number;
  /** Replaces the configuration of the run; null leaves it. */
  readonly config: Readonly<Record<string, unknown>> | null;
  /** An entry with an id that is there already is left out. */
  readonly log_id: string;
}

/** A project's database on this machine. */
export interface TrackioStore {
  /** All or nothing. */
  add(entries: readonly TrackioEntry[]): void;
  close(): void;
}

/** The tables that an entry goes to, in Trackio's second schema; Trackio makes its others when it opens the file. */
const TABLES = `
CREATE TABLE IF NOT EXISTS metrics (
  id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, timestamp TEXT NOT NULL, run_name TEXT NOT NULL,
  step INTEGER NOT NULL, metrics TEXT NOT NULL, log_id TEXT, space_id TEXT);
CREATE INDEX IF NOT EXISTS idx_metrics_run_step ON metrics(run_id, step);
CREATE INDEX IF NOT EXISTS idx_metrics_run_timestamp ON metrics(run_id, timestamp);
CREATE UNIQUE INDEX IF NOT EXISTS idx_metrics_log_id ON metrics(log_id) WHERE log_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_metrics_pending ON metrics(space_id) WHERE space_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS configs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT NOT NULL, run_name TEXT NOT NULL, config TEXT NOT NULL,
  created_at TEXT NOT NULL, UNIQUE(run_id));
CREATE INDEX IF NOT EXISTS idx_configs_run_name ON configs(run_name);`;

/**
 * The file of a project: in TRACKIO_DIR, else in `trackio` of HF_HOME (`~/.cache/huggingface`). As with Trackio only letters, digits, `-`
 * and `_` of the name count.
 *
 * @throws ServiceRefusal for names that Trackio keeps for itself
 */
export function trackioFile(project: string): string {
  const name = projectName(project);
  if (name.startsWith("registry-"))
    throw new ServiceRefusal(`expected a tracker.project that does not begin with "registry-", received "${project}"`);
  const { TRACKIO_DIR, HF_HOME, XDG_CACHE_HOME } = process.env;
  const cache = HF_HOME || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface");
  return join(TRACKIO_DIR || join(cache, "trackio"), `${name}.db`);
}

/** The characters of a project that count. */
export function projectName(project: string): string {
  return project.replace(/[^\p{L}\p{N}_-]/gu, "") || "default";
}

/**
 * Opens a project's database, which is made if it is not there. Other processes may have it open, too.
 *
 * @throws ServiceRefusal where there is no SQLite, or the file is of a Trackio before 0.24
 */
export function openTrackioStore(path: string): TrackioStore {
  let database: SqliteDatabase;
  try {
    mkdirSync(dirname(path), { recursive: true });
    database = openSqlite(path);
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
    throw new ServiceRefusal(error.message);
  }
  try {
    database.exec("PRAGMA busy_timeout = 10000");
    database.exec("PRAGMA journal_mode = WAL");
    const columns = database.prepare("PRAGMA table_info(metrics)").all() as { readonly name: string }[];
    if (columns.length > 0 && !["run_id", "log_id"].every((name) => columns.some((column) => column.name === name)))
      throw new ServiceRefusal(`'${path}' is of an older Trackio: open it once with trackio 0.24 or later`);
    database.exec(TABLES);
  } catch (error) {
    database.close();
    throw error;
  }
  return { add: (entries) => addEntries(database, entries), close: () => void database.close() };
}

function addEntries(database: SqliteDatabase, entries: readonly TrackioEntry[]): void {
  const now = new Date().toISOString();
  database.exec("BEGIN IMMEDIATE");
  try {
    const add = database.prepare(
      "INSERT OR IGNORE INTO metrics (timestamp, run_id, run_name, step, metrics, log_id) VALUES (?, ?, ?, ?, ?, ?)",
    );
    const configure = database.prepare(
      "INSERT OR REPLACE INTO configs (run_id, run_name, config, created_at) VALUES (?, ?, ?, ?)",
    );
    for (const { run, run_id: runId, metrics, step, config, log_id: id } of entries) {
      add.run(now, runId, run, step, JSON.stringify(metrics), id);
      if (config !== null) configure.run(runId, run, JSON.stringify(config), now);
    }
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
