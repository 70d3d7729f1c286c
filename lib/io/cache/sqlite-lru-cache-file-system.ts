import { chmodSync } from "node:fs";
import { basename, join } from "node:path";
import { cacheName, stripProtocol } from "./cache-name";
import { type CachedFile, LRUCacheFileSystem, type LRUCacheOptions } from "./lru-cache-file-system";
import { openSqlite, type SqliteDatabase, type SqliteStatement } from "./sqlite";

const DATABASE = "cache_metadata.sqlite";
/** Milliseconds after which the folder is looked through again for files without a row. */
const LOOK_AGAIN_AFTER = 600_000;

/** A row of the table. */
interface Row {
  readonly fn: string;
  /** Seconds since 1970. */
  readonly time: number;
  readonly size: number;
}

/**
 * The cache with its bookkeeping in SQLite (`cache_metadata.sqlite` in its folder), so that a look at its size reads a table
 * and not the state of every file: for very many files, and for folders on a network's disk that keep no times of access. The
 * table is that of the Python framework, which may use the same folder. Files without a row are taken in.
 *
 * Needs Node 22.13 or later, or the package `better-sqlite3`.
 */
export class SqliteLRUCacheFileSystem extends LRUCacheFileSystem {
  readonly #database: SqliteDatabase;
  readonly #statements: Readonly<Record<"touch" | "insert" | "remove" | "removeOthers" | "all", SqliteStatement>>;
  #lookedAt = -Infinity;

  /**
   * @throws InvalidInputError for a limit or watermarks that cannot be; IoError (`IO_MISSING_PACKAGE`) where there is no SQLite
   */
  constructor(options: LRUCacheOptions) {
    super(options);
    const path = join(this.storage, DATABASE);
    this.#database = openSqlite(path);
    // others who write are waited for
    this.#database.exec("PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    this.#database.exec(`
      CREATE TABLE IF NOT EXISTS cache_metadata (path TEXT PRIMARY KEY, fn TEXT, time REAL, size INTEGER);
      CREATE INDEX IF NOT EXISTS idx_cache_metadata_time ON cache_metadata (time)`);
    chmodSync(path, this.cacheStorageMode);
    const prepare = (sql: string): SqliteStatement => this.#database.prepare(sql);
    this.#statements = {
      touch: prepare("UPDATE cache_metadata SET time = ? WHERE path = ? RETURNING path"),
      insert: prepare("INSERT OR REPLACE INTO cache_metadata (path, fn, time, size) VALUES (?, ?, ?, ?)"),
      remove: prepare("DELETE FROM cache_metadata WHERE fn = ?"),
      removeOthers: prepare("DELETE FROM cache_metadata WHERE fn = ? AND path <> ?"),
      all: prepare("SELECT fn, time, size FROM cache_metadata"),
    };
  }

  /** Closes the database; the cache is of no use after it. */
  close(): void {
    this.#database.close();
  }

  protected override async noteRead(path: string, size: number): Promise<void> {
    const known = this.#statements.touch.get(this.#seconds(), stripProtocol(path));
    if (known === undefined) await this.notePlaced(path, size);
  }

  protected override async notePlaced(path: string, size: number): Promise<void> {
    const stripped = stripProtocol(path);
    const name = cacheName(path);
    const file = join(this.storage, name);
    this.#statements.insert.run(stripped, file, this.#seconds(), size);
    // a file whose name does not tell its path may have been taken in under its name
    if (pathOf(name) !== stripped) this.#statements.removeOthers.run(file, stripped);
    return Promise.resolve();
  }

  protected override async noteRemoved(name: string): Promise<void> {
    this.#statements.remove.run(join(this.storage, name));
    return Promise.resolve();
  }

  protected override async cachedFiles(): Promise<CachedFile[]> {
    const rows = this.#statements.all.all() as Row[];
    const files = rows.map(({ fn, time, size }) => ({ name: basename(fn), size, time: time * 1000 }));
    if (this.now() - this.#lookedAt < LOOK_AGAIN_AFTER) return files;
    this.#lookedAt = this.now();
    const known = new Set(files.map(({ name }) => name));
    const onDisk = await super.cachedFiles();
    const there = new Set(onDisk.map(({ name }) => name));
    for (const { name, size, time } of onDisk.filter((file) => !known.has(file.name)))
      this.#statements.insert.run(pathOf(name), join(this.storage, name), time / 1000, size);
    for (const { name } of files) if (!there.has(name)) await this.noteRemoved(name);
    return [...files.filter(({ name }) => there.has(name)), ...onDisk.filter(({ name }) => !known.has(name))];
  }

  /** Now, as the table has it. */
  #seconds(): number {
    return this.now() / 1000;
  }
}

/** The remote path that a plain name stands for. */
function pathOf(name: string): string {
  return name.replaceAll("_@_", "/");
}
