import { cpSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachePath, readCache, writeCache } from "../../../../lib/data/datasets/folder/statistics-cache";
import { prepareDatasets } from "../../../../lib/data";
import { configOf, square, temporaryFolder, writeCases, writeText } from "./support";

const STATISTICS = new Map([["p", { mean: [0.1], std: [1 / 3], min: [-1e-300], max: [2] }]]);

describe("the name of the file", () => {
  const folder = temporaryFolder();
  const files = ["a.vtp", "case/0/p"].map((name) => join(folder, name));
  beforeAll(() => files.forEach((file) => writeText(file, "1")));
  const path = (config: unknown = {}, of = [files[0]!, join(folder, "case")]) =>
    cachePath({ folder, config, files: of });

  test("is the same for the same files and config", () => {
    expect(path()).toBe(path());
    expect(path()).toMatch(/\.noether\/statistics-[0-9a-f]{16}\.json$/);
  });
  test("is another one for another config, or other files", () => {
    expect(path({ scale: 2 })).not.toBe(path());
    expect(path({}, [files[0]!])).not.toBe(path());
  });
  test.each(files)("is another one when %s has changed", (file) => {
    const before = path();
    utimesSync(file, 1000, 1000);
    const touched = path();
    expect(touched).not.toBe(before);
    writeFileSync(file, "12");
    utimesSync(file, 1000, 1000);
    expect(path()).not.toBe(touched);
  });
});

describe("its content", () => {
  const folder = temporaryFolder();
  const path = join(folder, ".noether", "statistics.json");

  test("comes back to the last digit", () => {
    writeCache(path, STATISTICS);
    expect(readCache(path, ["p"])).toEqual(STATISTICS);
  });
  test.each<[string, string | null, string[]]>([
    ["is not there", null, ["p"]],
    ["is cut short", '{"p": {"mean": [0.1], "std"', ["p"]],
    ["is something else", "[1, 2]", ["p"]],
    ["lacks a key", JSON.stringify(Object.fromEntries(STATISTICS)), ["q"]],
    ["has lists of unequal lengths", '{"p": {"mean": [1, 2], "std": [1], "min": [1], "max": [1]}}', ["p"]],
    ["has texts", '{"p": {"mean": ["1"], "std": [1], "min": [1], "max": [1]}}', ["p"]],
    ["has null for NaN", '{"p": {"mean": [null], "std": [1], "min": [1], "max": [1]}}', ["p"]],
  ])("is not used where it %s", (_, text, keys) => {
    if (text !== null) writeText(path, text);
    expect(readCache(text === null ? `${path}.none` : path, keys)).toBeUndefined();
  });
  test("a folder that cannot be written to is no error", () => {
    writeText(join(folder, "file"), "");
    expect(() => writeCache(join(folder, "file", "statistics.json"), STATISTICS)).not.toThrow();
  });
});

describe("a run", () => {
  const root = temporaryFolder();
  const prepare = async (cases: string): Promise<unknown> => {
    const surface = { file: "s.vtp", position: "points", pressure: "p" };
    const train = configOf(root, { cases, normalize: "auto", surface });
    await prepareDatasets({ train });
    return train.dataset_normalizers!["surface_pressure"]![0]!["mean"];
  };

  test("leaves its statistics beside the cases, and the next one reads them", async () => {
    await writeCases(join(root, "data"), { a: { "s.vtp": square({ points: { p: Float32Array.of(1, 2, 3, 6) } }) } });
    utimesSync(join(root, "data", "a", "s.vtp"), 1000, 1000);
    expect(await prepare("data/*/")).toEqual([3]);
    // the same files elsewhere have the same name of statistics; these numbers show where they come from
    cpSync(join(root, "data"), join(root, "copy"), { recursive: true, preserveTimestamps: true });
    const [name] = readdirSync(join(root, "copy", ".noether"));
    const path = join(root, "copy", ".noether", name!);
    const stored = JSON.parse(readFileSync(path, "utf8")) as Record<string, { mean: number[] }>;
    expect(stored["surface_pressure"]!.mean).toEqual([3]);
    stored["surface_pressure"]!.mean = [42];
    writeFileSync(path, JSON.stringify(stored));
    expect(await prepare("copy/*/")).toEqual([42]);
  });
  test("computes them again when a case has changed", async () => {
    await writeCases(join(root, "data"), { a: { "s.vtp": square({ points: { p: Float32Array.of(2, 4, 6, 12) } }) } });
    expect(await prepare("data/*/")).toEqual([6]);
  });
});
