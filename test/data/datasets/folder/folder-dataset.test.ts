import type { FolderDataset } from "../../../../lib/data";
import { readYaml, toPlain, writeYaml } from "../../../../lib/config";
import { dumpConfig } from "../../../../lib/config/schema";
import { scope } from "../../../../lib/torch";
import { configOf, failure, open, square, temporaryFolder, writeCases } from "./support";

const folder = temporaryFolder();
const SURFACE = { surface: { file: "surface.vtp", position: "points", pressure: "p" } };

beforeAll(async () => {
  await writeCases(folder, {
    case_1: { "surface.vtp": square({ points: { p: Float32Array.of(1, 2, 3, 4), U: new Float32Array(12).fill(1) } }) },
    case_2: {
      "surface.vtp": square({ size: 2, points: { p: Float32Array.of(5, 6, 7, 8), U: new Float32Array(12).fill(2) } }),
    },
    case_10: {
      "surface.vtp": square({ points: { p: Float32Array.of(9, 10, 11, 12), U: new Float32Array(12).fill(3) } }),
    },
  });
});

const rows = async (dataset: FolderDataset, key: string, index = 0): Promise<unknown> =>
  scope(async () => (await dataset.getitem(key, index)).toArray());

test("a case is a sample, with properties named by domain", async () => {
  const dataset = open(folder, SURFACE);
  expect(dataset.names).toEqual(["case_1", "case_2", "case_10"]);
  expect(await rows(dataset, "surface_pressure", 1)).toEqual([[5], [6], [7], [8]]);
  expect(await rows(dataset, "surface_position", 1)).toEqual([
    [0, 0, 0],
    [2, 0, 0],
    [2, 2, 0],
    [0, 2, 0],
  ]);
});

test("a misspelt field", async () => {
  const dataset = open(folder, { surface: { ...SURFACE.surface, pressure: "u" } });
  const message = await failure(() => rows(dataset, "surface_pressure"));
  expect(message).toContain('surface_pressure of the case "case_1"');
  expect(message).toContain('did you mean "U"?');
});

test("what a run stores of a config is the same config", () => {
  const config = configOf(folder, { ...SURFACE, normalize: "auto", splits: { a: 0.5, b: 0.5, seed: 3 }, split: "a" });
  const stored = toPlain(readYaml(writeYaml(dumpConfig(config, { onlyGiven: true })), "hp_resolved.yaml"));
  expect(configOf(folder, stored as Record<string, unknown>)).toEqual(config);
});
