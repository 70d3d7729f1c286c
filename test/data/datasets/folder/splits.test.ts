import { join } from "node:path";
import type { Case } from "../../../../lib/data";
import { splitCases } from "../../../../lib/data/datasets/folder/splits";
import { configOf, failure, temporaryFolder, writeText } from "./support";

const root = temporaryFolder();
const cases: Case[] = Array.from({ length: 10 }, (_, i) => ({ name: `c${i}`, folder: "", file: null }));
const split = (config: unknown, of = cases): Record<string, string[]> =>
  Object.fromEntries(
    [...splitCases(of, config as never, root)].map(([name, part]) => [name, part.map((each) => each.name)]),
  );

test("shares: every case once, sizes as near as possible, the same for the same seed", () => {
  const parts = split({ train: 0.8, val: 0.1, test: 0.1, seed: 0 });
  expect(Object.entries(parts).map(([name, part]) => [name, part.length])).toEqual([
    ["train", 8],
    ["val", 1],
    ["test", 1],
  ]);
  expect(Object.values(parts).flat().sort()).toEqual(cases.map(({ name }) => name));
  expect(split({ train: 0.8, val: 0.1, test: 0.1, seed: 0 })).toEqual(parts);
  expect(split({ train: 0.8, val: 0.1, test: 0.1 })).toEqual(parts);
  expect(split({ train: 0.8, val: 0.1, test: 0.1, seed: 1 })).not.toEqual(parts);
});
test("the order of seed 0 is PyTorch's", () => {
  // torch.randperm(10, generator=torch.Generator().manual_seed(0)): 4 1 7 5 3 9 0 8 6 2
  expect(split({ a: 0.4, b: 0.6, seed: 0 })).toEqual({
    a: ["c1", "c4", "c5", "c7"],
    b: ["c0", "c2", "c3", "c6", "c8", "c9"],
  });
});
test("shares without a seed: in the order of the cases", () => {
  expect(split({ a: 0.25, b: 0.75, seed: null })).toEqual({
    a: ["c0", "c1", "c2"],
    b: ["c3", "c4", "c5", "c6", "c7", "c8", "c9"],
  });
});
test("lists, and the rest by shares", () => {
  const parts = split({ test: ["c3", "c7"], train: 0.75, val: 0.25 });
  expect(parts["test"]).toEqual(["c3", "c7"]);
  expect([parts["train"]!.length, parts["val"]!.length]).toEqual([6, 2]);
  expect(Object.values(parts).flat().sort()).toEqual(cases.map(({ name }) => name));
});
test("files of names: lines, YAML; a file with all splits", () => {
  const three = cases.slice(0, 3);
  writeText(join(root, "train.txt"), "# two\nc0\n\nc1\n");
  writeText(join(root, "test.yaml"), "- c2\n");
  writeText(join(root, "splits.json"), '{"train": ["c2", "c0"], "test": ["c1"]}');
  expect(split({ train: "train.txt", test: "test.yaml" }, three)).toEqual({ train: ["c0", "c1"], test: ["c2"] });
  expect(split("splits.json", three)).toEqual({ train: ["c2", "c0"], test: ["c1"] });
});

test.each<[string, unknown, RegExp]>([
  ["a case in two splits", { a: ["c0"], b: ["c0"] }, /"c0" is in "a" and "b"/],
  ["a case twice in one", { a: ["c0", "c0"], b: 1 }, /"c0" is twice in "a"/],
  ["cases in none", { a: ["c0"], b: ["c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8"] }, /1 are in none: "c9"/],
  ["a name that is no case", { a: ["c00"], b: 1 }, /received "c00"; did you mean "c0"/],
  ["shares that are too small", { a: 0.5, b: 0.4 }, /add up to 1.*0\.5 \+ 0\.4 = 0\.9/],
  ["shares that are too large", { a: 0.8, b: 0.3 }, /add up to 1/],
  ["an empty split by shares", { a: 0.98, b: 0.02 }, /cases in "b", received none \(there are 10/],
  ["an empty split by a list", { a: 1, b: [] }, /cases in "b"/],
  ["no splits", { seed: 3 }, /at least one split/],
  ["a file that is not there", { a: "nowhere.txt", b: 1 }, /nowhere\.txt, which cannot be read/],
  ["a file that has no mapping", "train.txt", /YAML or JSON/],
])("refused: %s", async (_, config, message) => expect(await failure(() => split(config))).toMatch(message));

test.each<[string, Record<string, unknown>, RegExp]>([
  ["splits without split", { splits: { a: 1 } }, /splits: expected split beside it/],
  ["split without splits", { split: "a" }, /split: expected splits beside it/],
  ["a split that is none", { splits: { train: 1 }, split: "trian" }, /unknown split "trian"; did you mean "train"/],
  ["a share of 0", { splits: { train: 1, test: 0 }, split: "train" }, /splits\.test: expected a share above 0/],
  [
    "a seed that is no number",
    { splits: { train: 1, seed: "x" }, split: "train" },
    /splits\.seed: expected an integer/,
  ],
])("the config refuses %s", async (_, options, message) =>
  expect(await failure(() => configOf(root, { surface: { file: "a.vtp", position: "points" }, ...options }))).toMatch(
    message,
  ),
);
