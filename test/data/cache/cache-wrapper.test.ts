import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError } from "../../../lib/config/errors";
import { RuntimeError, ValueError } from "../../../lib/config/python-errors";
import { validateConfig } from "../../../lib/config/schema";
import { LogLevel, rootLogger } from "../../../lib/core/logging";
import { CacheWrapper, CacheWrapperConfig, Dataset, PropertySubsetWrapper, RepeatWrapper } from "../../../lib/data";
import { DatasetBaseConfig } from "../../../lib/data/base/dataset-config";
import { byteSize } from "../../../lib/data/cache/byte-size";
import { MemoryCache } from "../../../lib/data/cache/memory-cache";
import { full, randn, tensor, type Tensor } from "../../../lib/torch";
import { values } from "../support";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "noether-cache-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Samples from files of numbers; counts what it reads. */
class Files extends Dataset {
  reads = 0;

  constructor(config: Record<string, unknown> = {}) {
    super(DatasetBaseConfig.create({ kind: "Files", ...config }));
    this.addGetter("x", (index) => this.#read(index));
    this.addGetter("y", (index) => this.#read(index).neg());
  }

  #read(index: number): Tensor {
    this.reads++;
    return tensor(JSON.parse(readFileSync(this.path(index), "utf8")) as number[]);
  }

  path(index: number): string {
    return join(folder, `${index}.json`);
  }

  override sampleInfo(index: number) {
    return { sample_uri: this.path(index) };
  }

  override get length(): number {
    return 4;
  }
}

/** Four files, and a data set of them. */
function files(config?: Record<string, unknown>): Files {
  const dataset = new Files(config);
  for (let index = 0; index < 4; index++) writeFileSync(dataset.path(index), JSON.stringify([index, index + 0.5]));
  return dataset;
}

const wrap = (dataset: ConstructorParameters<typeof CacheWrapper>[1], config: Record<string, unknown>) =>
  new CacheWrapper(validateConfig(CacheWrapperConfig, { kind: "", ...config }), dataset);
const disk = () => ({ disk: { path: join(folder, "cache"), size: "1MB" } });
const x = async (dataset: CacheWrapper, index: number) => values((await dataset.get(index))["x"]);

test.each([
  ["memory", () => ({ memory: "1MB" })],
  ["disk", disk],
  ["both", () => ({ memory: "1MB", ...disk() })],
])("a sample is read once: %s", async (_, config) => {
  const dataset = files();
  const cached = wrap(dataset, config());
  const first = await cached.get(1);
  expect(Object.keys(first)).toEqual(["index", "x", "y"]);
  const again = await cached.get(1);
  expect([again["index"], values(again["x"]), values(again["y"]), dataset.reads]).toEqual([1, [1, 1.5], [-1, -1.5], 2]);
});

test("other runs find what is on disk, other threads of the same folder, too", async () => {
  await wrap(files(), disk()).get(2);
  const other = files();
  for (let index = 0; index < 4; index++) utimesSync(other.path(index), 1, 1);
  const before = other.reads;
  const first = wrap(other, disk());
  await first.get(2); // a new time: read
  await wrap(other, disk()).get(2);
  expect(other.reads - before).toBe(2);
});

test.each([
  ["memory", () => ({ memory: "1MB" })],
  ["disk", disk],
])("who changes a sample does not change the cache: %s", async (_, config) => {
  const cached = wrap(files(), config());
  for (let pass = 0; pass < 3; pass++) {
    const { x: loaded } = (await cached.get(3)) as { x: Tensor };
    expect(values(loaded)).toEqual([3, 3.5]);
    loaded.fill_(0);
  }
});

test.each([
  ["memory", () => ({ memory: "1MB" })],
  ["disk", disk],
])("a file that has changed is read again: %s", async (_, config) => {
  const dataset = files();
  const cached = wrap(dataset, config());
  await cached.get(0);
  writeFileSync(dataset.path(0), "[8, 9, 10]");
  expect(await x(cached, 0)).toEqual([8, 9, 10]);
  writeFileSync(dataset.path(0), "[7, 9, 10]"); // as long as before
  utimesSync(dataset.path(0), 5, 5);
  expect(await x(cached, 0)).toEqual([7, 9, 10]);
});

test("another config, another class, other keys: other samples", async () => {
  class Others extends Files {
    constructor() {
      super();
      this.addGetter("x", () => tensor([42]));
    }
  }
  await wrap(files(), disk()).get(0);
  const normalizer = { kind: "noether.data.preprocessors.normalizers.MeanStdNormalization", mean: [0, 0], std: [2, 2] };
  const normalized = files({ dataset_normalizers: { x: normalizer } });
  await wrap(normalized, disk()).get(0);
  const others = new Others();
  expect([normalized.reads, await x(wrap(others, disk()), 0)]).toEqual([2, [42]]);
  const part = files();
  const subset = wrap(new PropertySubsetWrapper(part, new Set(["y", "index"])), disk());
  expect([Object.keys(await subset.get(0)), part.reads]).toEqual([["y", "index"], 1]);
});

test.each([
  ["cut short", (path: string) => truncateSync(path, 60)],
  ["empty", (path: string) => truncateSync(path, 0)],
  [
    "with a wrong byte",
    (path: string) => {
      const bytes = readFileSync(path);
      bytes[bytes.length - 1]! ^= 1;
      writeFileSync(path, bytes);
    },
  ],
  ["gone", (path: string) => rmSync(path)],
])("a file of the cache that is %s is a sample that is not there", async (_, damage) => {
  const dataset = files();
  const cached = wrap(dataset, disk());
  await cached.get(1);
  const [name] = readdirSync(join(folder, "cache"));
  damage(join(folder, "cache", name!));
  expect([await x(cached, 1), dataset.reads]).toEqual([[1, 1.5], 4]);
  expect([await x(cached, 1), dataset.reads]).toEqual([[1, 1.5], 4]);
});

test("disk stays within its bytes, and keeps what was used last", async () => {
  const dataset = files();
  const cached = wrap(dataset, { disk: { path: join(folder, "cache"), size: 900 } });
  for (const index of [0, 1, 2, 3]) await cached.get(index);
  const sizes = readdirSync(join(folder, "cache")).map((name) => readFileSync(join(folder, "cache", name)).length);
  expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(900);
  const before = dataset.reads;
  await cached.get(3);
  expect(dataset.reads).toBe(before);
});

test("memory stays within its bytes, and keeps what was used last", () => {
  const cache = new MemoryCache(80);
  const sample = (value: number) => new Map([["x", full([4], value)]]); // 16 bytes
  for (const key of ["a", "b", "c", "d", "e"]) cache.set(key, sample(1));
  expect(cache.bytes).toBe(80);
  cache.get("a");
  cache.set("f", sample(2));
  expect(["a", "b", "f"].map((key) => cache.get(key) !== undefined)).toEqual([true, false, true]);
  cache.set("large", new Map([["x", full([100], 0)]]));
  expect([cache.get("large"), cache.bytes]).toEqual([undefined, 80]);
});

test("samples that draw random numbers are not kept, which is said once", async () => {
  const messages: string[] = [];
  const { handlers } = rootLogger();
  rootLogger().handlers = [{ level: LogLevel.WARNING, handle: ({ message }) => messages.push(message) }];
  try {
    class Random extends Files {
      constructor() {
        super();
        this.addGetter("x", () => randn([2]));
      }
    }
    files();
    const cached = wrap(new Random(), { memory: "1MB" });
    const drawn = [await x(cached, 0), await x(cached, 0)];
    expect(drawn[0]).not.toEqual(drawn[1]);
  } finally {
    rootLogger().handlers = handlers;
  }
  expect(messages).toEqual([
    expect.stringContaining("Random are not cached, because loading one draws random numbers"),
  ]);
});

test("raw values for statistics pass by", async () => {
  const dataset = files();
  const cached = wrap(dataset, { memory: "1MB" });
  cached.computeStatistics = true;
  await cached.get(0);
  await cached.get(0);
  expect(dataset.reads).toBe(4);
});

test("what a cache cannot be", async () => {
  const dataset = files();
  expect(() => wrap(dataset, {})).toThrow(ConfigError);
  expect(() => wrap(new RepeatWrapper({ repetitions: 2 }, dataset), { memory: 1 })).toThrow(ValueError);
  writeFileSync(join(folder, "file"), "");
  expect(() => wrap(dataset, { disk: { path: join(folder, "file", "cache"), size: 1 } })).toThrow(
    /expected a folder that can be written as disk.path/,
  );
  class Homeless extends Files {
    override sampleFiles() {
      return null;
    }
  }
  await expect(wrap(new Homeless(), disk()).get(0)).rejects.toThrow(RuntimeError);
});

test.each([
  [5, 5],
  ["12", 12],
  ["1.5kB", 1500],
  ["2 GiB", 2 ** 31],
])("a size: %s", (text, bytes) => expect(validateConfig(byteSize(), text)).toBe(bytes));

test.each(["much", "-1", 0, "3 XB", null, ""])("no size: %s", (text) =>
  expect(() => validateConfig(byteSize(), text)).toThrow("a size in bytes"),
);
