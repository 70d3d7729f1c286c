/** Runs where there is SQLite: with Node 22.13 or later, or better-sqlite3. Elsewhere only that the error says so. */
import { chmodSync, existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { type CacheTarget, configureLogging, LRUCacheFileSystem, SqliteLRUCacheFileSystem } from "../../../lib/io";
import { openSqlite } from "../../../lib/io/cache/sqlite";
import { temporaryFolder } from "../../support/temporary-folder";

const hasSqlite = ((): boolean => {
  try {
    openSqlite(":memory:").close();
    return true;
  } catch {
    return false;
  }
})();
const folder = temporaryFolder();
const calls: string[] = [];
const target: CacheTarget = {
  getFile: async (path, local) => {
    calls.push(path);
    await writeFile(local, Buffer.alloc(100, path));
  },
};
let time = 1_000_000;
const opened: SqliteLRUCacheFileSystem[] = [];
const cache = (cacheSize: number | null = 1000): SqliteLRUCacheFileSystem => {
  const made = new SqliteLRUCacheFileSystem({
    ...{ storage: folder.at("cache"), cacheSize, target, now: () => (time += 1000) },
    ...{ cacheCleanupHighWatermark: 0.5, cacheCleanupLowWatermark: 0.3, enforceSizeEverySeconds: 0 },
  });
  opened.push(made);
  return made;
};
const rows = (): { path: string; fn: string; time: number; size: number }[] => {
  const database = openSqlite(folder.at("cache", "cache_metadata.sqlite"));
  try {
    return database.prepare("SELECT path, fn, time, size FROM cache_metadata ORDER BY path").all() as never;
  } finally {
    database.close();
  }
};
const files = (): string[] => readdirSync(folder.at("cache")).filter((name) => /^[a-z](_@_|$)/.test(name));
beforeEach(() => {
  calls.length = 0;
  time = 1_000_000;
  configureLogging({ sink: () => undefined });
});
afterEach(() => {
  for (const made of opened.splice(0)) made.close();
});
afterAll(() => configureLogging());

(hasSqlite ? test.skip : test)("without SQLite the error says what to install", () =>
  expect(cache).toThrow("npm install better-sqlite3"),
);

const withSqlite = hasSqlite ? describe : describe.skip;
withSqlite("with SQLite", () => {
  test("a row a file: path, file, time of the last reading, size", async () => {
    const c = cache();
    await c.catFile("s3://b/k");
    await c.catFile("s3://a/k");
    await c.catFile("s3://b/k");
    expect(calls).toEqual(["s3://b/k", "s3://a/k"]);
    const [a, b] = rows();
    expect(a).toMatchObject({ path: "a/k", fn: folder.at("cache", "a_@_k"), size: 100 });
    expect(b).toMatchObject({ path: "b/k", fn: folder.at("cache", "b_@_k"), size: 100 });
    expect(b!.time).toBeGreaterThan(a!.time);
    expect(statSync(folder.at("cache", "cache_metadata.sqlite")).mode & 0o777).toBe(0o660);
  });

  test("the least recently read by the table go first, whatever the times of the files, and their rows with them", async () => {
    const c = cache();
    for (const name of ["a", "b", "c", "d", "e"]) await c.catFile(name);
    await c.catFile("a");
    for (const name of ["b", "c", "d"]) utimesSync(folder.at("cache", name), 9e9, 9e9);
    await c.catFile("f");
    expect(files().sort()).toEqual(["a", "e", "f"].sort());
    expect(rows().map(({ path }) => path)).toEqual(files().sort());
  });

  test("a file that is gone is fetched again", async () => {
    const c = cache();
    await c.catFile("a");
    rmSync(folder.at("cache", "a"));
    await c.catFile("a");
    expect(calls).toEqual(["a", "a"]);
    expect(rows()).toHaveLength(1);
  });

  test("files of the other cache are taken in: counted, read without a fetch, and removed when they are the oldest", async () => {
    const plain = new LRUCacheFileSystem({ storage: folder.at("cache"), cacheSize: null, target });
    for (const name of ["a/b", "c", "d", "e", "f"]) await plain.catFile(name);
    for (const [i, name] of ["a_@_b", "c", "d", "e", "f"].entries()) utimesSync(folder.at("cache", name), i, i);
    calls.length = 0;
    const c = cache();
    await c.catFile("a/b");
    expect(calls).toEqual([]);
    expect(rows().map(({ path }) => path)).toEqual(["a/b"]);
    await c.catFile("g");
    expect(rows().map(({ path }) => path)).toEqual(["a/b", "f", "g"]);
    expect(files().sort()).toEqual(["a_@_b", "f", "g"]);
  });

  test("a name that does not tell its path has one row", async () => {
    const long = "x".repeat(300);
    await new LRUCacheFileSystem({ storage: folder.at("cache"), cacheSize: null, target }).catFile(long);
    const c = cache();
    await c.enforceSize(true);
    expect(rows().map(({ path }) => path)).not.toEqual([long]);
    await c.catFile(long);
    expect(rows().map(({ path }) => path)).toEqual([long]);
    expect(calls).toHaveLength(1);
  });

  test("the plain cache leaves the table alone", async () => {
    await cache().catFile("a");
    const plain = new LRUCacheFileSystem({ storage: folder.at("cache"), cacheSize: 250, target });
    for (const name of ["b", "c", "d"]) await plain.catFile(name);
    expect(existsSync(folder.at("cache", "cache_metadata.sqlite"))).toBe(true);
  });

  test("caches of one folder at the same time", async () => {
    const caches = [cache(null), cache(null), cache(null)];
    await Promise.all(Array.from({ length: 60 }, async (_, i) => caches[i % 3]!.catFile(`f${i % 7}`)));
    expect(calls).toHaveLength(7);
    expect(rows()).toHaveLength(7);
  });

  test("a table that is none is the database's error, and is left as it is", () => {
    cache();
    opened.pop()!.close();
    writeFileSync(folder.at("cache", "cache_metadata.sqlite"), "this is no database, of a length that is read");
    chmodSync(folder.at("cache", "cache_metadata.sqlite"), 0o600);
    expect(() => cache()).toThrow(/not a database/);
  });
});
