/** A disk that fills up midway: nothing half has a name, the error says so, what was there stays, and the next try continues. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  buildManifest,
  configureLogging,
  downloadFile,
  fetchHuggingfaceRepoSnapshot,
  fetchS3Prefix,
  LRUCacheFileSystem,
  resolveCheckpoint,
  saveManifest,
  SqliteLRUCacheFileSystem,
} from "../../../lib/io";
import { openSqlite } from "../../../lib/io/cache/sqlite";
import { FileLock } from "../../../lib/io/files/file-lock";
import { HubServer, someBytes } from "../../support/hub-server";
import { withEnvironment } from "../../support/run-io";
import { S3Server } from "../../support/s3-server";
import { smallDisk } from "../../support/small-disk";

const MIB = 2 ** 20;
const disk = smallDisk(8 * MIB);
const hub = new HubServer();
const s3 = new S3Server();
const large = someBytes(6 * MIB, 1);
const messages: string[] = [];
/** The server said less, or others have taken the room since it was looked at. */
const freeSpace = async (): Promise<number> => Promise.resolve(2 ** 40);

const at = (...parts: string[]): string => join(disk!.path, ...parts);
/** Takes room, and gives it back. */
const fill = (bytes: number): void => writeFileSync(at("filler"), Buffer.alloc(bytes));
const makeRoom = (): void => rmSync(at("filler"));
/** Files that have their names: not what is kept for the next try. */
const named = (folder: string): string[] =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => statSync(join(folder, name)).isFile() && !/(^|\/)\.|\.incomplete$/.test(name))
    .sort();

beforeAll(async () => {
  await Promise.all([hub.start(), s3.start()]);
  hub.put("models", "o/n", { "a.txt": "small", "large.bin": large });
  s3.put("b", "p/large.bin", large);
  s3.put("b", "p/small.txt", "small");
});
beforeEach(() => {
  messages.length = 0;
  configureLogging({ sink: (level, message) => messages.push(`${level} ${message}`) });
});
afterEach(() => {
  for (const name of disk === null ? [] : readdirSync(disk.path)) rmSync(at(name), { recursive: true });
});
afterAll(async () => {
  configureLogging();
  disk?.remove();
  await Promise.all([hub.close(), s3.close()]);
});
withEnvironment(() => ({
  ...{ HF_ENDPOINT: hub.url, AWS_ENDPOINT_URL: s3.url, HF_TOKEN: undefined, AWS_ACCESS_KEY_ID: undefined },
  NO_PROXY: "*",
}));

/** Node 22.13 or later, or better-sqlite3. */
function hasSqlite(): boolean {
  try {
    openSqlite(":memory:").close();
    return true;
  } catch {
    return false;
  }
}

(disk === null ? describe.skip : describe)("a full disk", () => {
  test.each([
    ["the hub", async (folder: string) => fetchHuggingfaceRepoSnapshot("o/n", folder, { freeSpace }), "large.bin"],
    ["S3", async (folder: string) => fetchS3Prefix("b", "p/", folder, null, { freeSpace }), "p/large.bin"],
    [
      "S3, in parts",
      async (folder: string) => fetchS3Prefix("b", "p/", folder, null, { freeSpace, partSize: MIB }),
      "p/large.bin",
    ],
  ])("%s: an older file stays, nothing half has a name, and then it continues", async (_, fetch, name) => {
    const folder = at("out");
    mkdirSync(join(at("out", name), ".."), { recursive: true });
    writeFileSync(at("out", name), "older");
    fill(5 * MIB);
    await expect(fetch(folder)).rejects.toMatchObject({
      code: "IO_NO_SPACE",
      message: expect.stringMatching(/^no space left in .*: what is there stays, the next try continues; make room/),
    });
    expect(named(folder)).toContain(name);
    expect(readFileSync(at("out", name), "utf8")).toBe("older");
    makeRoom();
    const asked = s3.requests.length + hub.storage.requests.length;
    await fetch(folder);
    expect(readFileSync(at("out", name)).equals(large)).toBe(true);
    const ranges = [...s3.requests, ...hub.storage.requests].slice(asked).map(({ headers }) => headers.range ?? "");
    expect(ranges.some((range) => /^bytes=[1-9]/.test(range))).toBe(true);
  });

  test("one file: the error names the folder", async () => {
    fill(7 * MIB);
    const remote = {
      ...{ name: "remote", size: null, version: null, checksum: null, hasRanges: false },
      open: async () => {
        const { Readable } = await import("node:stream");
        return { stream: Readable.from([large]), start: 0, size: null };
      },
    };
    await expect(downloadFile(remote, at("out", "one.bin"))).rejects.toThrow(`no space left in ${at("out")}`);
    expect(readdirSync(at("out"))).toEqual([]);
  });

  test("the cache of checkpoints: the older one can still be had", async () => {
    const [uri, cacheDir] = ["hf://o/n?filename=a.txt", at("cache")];
    const before = await resolveCheckpoint(uri, { cacheDir });
    hub.put("models", "o/n", { "a.txt": large });
    fill(5 * MIB);
    await expect(resolveCheckpoint(uri, { cacheDir, freeSpace })).rejects.toMatchObject({ code: "IO_NO_SPACE" });
    hub.faults.push({ match: /resolve/, status: 500, times: 99 });
    expect(await resolveCheckpoint(uri, { cacheDir, retries: 0 })).toEqual(before);
    expect(readFileSync(before.localPath, "utf8")).toBe("small");
    hub.faults.length = 0;
    makeRoom();
    expect((await resolveCheckpoint(uri, { cacheDir })).size).toBe(large.length);
    hub.put("models", "o/n", { "a.txt": "small" });
  });

  test.each([LRUCacheFileSystem, ...(hasSqlite() ? [SqliteLRUCacheFileSystem] : [])])(
    "%p: what is cached is read, what does not fit leaves nothing",
    async (Cache) => {
      const target = {
        getFile: async (path: string, local: string) => {
          await Promise.resolve();
          writeFileSync(local, path === "large" ? large : path);
        },
      };
      const cache = new Cache({ storage: at("lru"), cacheSize: 100 * MIB, target });
      await cache.catFile("small");
      fill(5 * MIB);
      await expect(cache.catFile("large")).rejects.toMatchObject({
        code: "IO_NO_SPACE",
        message: expect.stringContaining(`no space left in ${at("lru")}: large is not cached, what is cached stays`),
      });
      expect(readdirSync(at("lru")).filter((name) => !name.startsWith("cache_metadata"))).toEqual(["small"]);
      // not a byte is left, not even for notes
      try {
        for (let index = 0; index < 4096; index++) writeFileSync(at(`byte${index}`), Buffer.alloc(4096));
      } catch (error) {
        expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
      }
      expect((await cache.catFile("small")).toString()).toBe("small");
      for (const name of readdirSync(disk!.path).filter((each) => each.startsWith("byte"))) rmSync(at(name));
      makeRoom();
      expect((await cache.catFile("large")).length).toBe(large.length);
      if (cache instanceof SqliteLRUCacheFileSystem) cache.close();
    },
  );

  test("a manifest: the older one stays", async () => {
    mkdirSync(at("data"));
    writeFileSync(at("data", "x"), "x");
    const manifest = await buildManifest(at("data"));
    await saveManifest(manifest, at("m.json"));
    const before = readFileSync(at("m.json"), "utf8");
    const many = new Map(
      Array.from({ length: 9000 }, (_, index) => [`x${index}`, { ...manifest.get("x")!, path: `x${index}` }]),
    );
    fill(7 * MIB);
    await expect(saveManifest(many, at("m.json"))).rejects.toThrow(
      `no space left in ${disk!.path}: m.json is not written, a file that was there is unchanged`,
    );
    expect(readFileSync(at("m.json"), "utf8")).toBe(before);
    expect(readdirSync(disk!.path).sort()).toEqual(["data", "filler", "m.json"]);
  });

  test("a lock that cannot be written leaves nothing", async () => {
    try {
      for (let index = 0; index < 4096; index++) writeFileSync(at(`byte${index}`), Buffer.alloc(4096));
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe("ENOSPC");
    }
    const before = readdirSync(disk!.path);
    await expect(new FileLock(at("x.lock")).tryAcquire()).rejects.toMatchObject({ code: "ENOSPC" });
    expect(readdirSync(disk!.path)).toEqual(before);
  });
});
