/** The cache under eight processes, some of which are killed at any moment. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { ended, startIo } from "../../support/io-process";
import { temporaryFolder } from "../../support/temporary-folder";
import { LRUCacheFileSystem } from "../../../lib/io";

const folder = temporaryFolder();
const LIMIT = 400_000;

/** Reads 60 of 40 files, each of 20,000 times its own letter, and checks every byte. */
const reader = (storage: string, seed: number): string => `
  const { writeFile } = require("node:fs/promises");
  const target = { getFile: async (path, local) => {
    const bytes = Buffer.alloc(20000, path);
    await writeFile(local, bytes.subarray(0, 9000));
    await new Promise((resolve) => setImmediate(resolve));
    await writeFile(local, bytes);
  } };
  const cache = new io.LRUCacheFileSystem({ storage: ${JSON.stringify(storage)}, cacheSize: ${LIMIT}, target });
  let state = ${seed};
  for (let i = 0; i < 60; i++) {
    state = (state * 1103515245 + 12345) % 2147483648;
    const path = "f" + (state % 40) + ".";
    const bytes = await cache.catFile(path);
    if (!bytes.equals(Buffer.alloc(20000, path))) throw new Error("half a file: " + path + " " + bytes.length);
    if (i === 0) console.log("reads");
  }
  console.log("done");`;

test("no process reads half a file or waits for a dead one, and the limit holds", async () => {
  const storage = folder.at("cache");
  new LRUCacheFileSystem({ storage, cacheSize: LIMIT, target: { getFile: async () => Promise.resolve() } });
  const readers = Array.from({ length: 8 }, (_, seed) => startIo(reader(storage, seed + 1)));
  const ends = readers.map(ended);
  // three are killed, as soon as they have read
  for (const [index, child] of readers.slice(0, 3).entries())
    child.stdout!.once("data", () => setTimeout(() => child.kill("SIGKILL"), index * 7));
  let most = 0;
  const watch = setInterval(() => {
    const sizes = readdirSync(storage)
      .filter((name) => !name.startsWith("."))
      .map((name) => statSync(`${storage}/${name}`, { throwIfNoEntry: false })?.size ?? 0);
    most = Math.max(
      most,
      sizes.reduce((sum, size) => sum + size, 0),
    );
  }, 5);
  const results = await Promise.all(ends);
  clearInterval(watch);
  for (const { code, signal, output } of results.slice(3))
    expect({ code, signal, done: /done/.test(output), output }).toMatchObject({ code: 0, signal: null, done: true });
  for (const { output } of results) expect(output).not.toMatch(/half a file/);
  expect(most).toBeGreaterThan(LIMIT / 2);
  expect(most).toBeLessThanOrEqual(LIMIT);
  for (const name of readdirSync(storage).filter((each) => /^f\d+\.$/.test(each)))
    expect(readFileSync(`${storage}/${name}`).equals(Buffer.alloc(20000, name))).toBe(true);
}, 120_000);
