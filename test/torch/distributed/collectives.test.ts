import { join } from "node:path";
import { runRanks } from "../../support/ranks";

const script = join(__dirname, "fixtures", "collectives.ts");
type Results = Record<string, unknown>;
let first: Results;
let second: Results;

beforeAll(async () => {
  [first, second] = (await runRanks([{ script }, { script }])) as [Results, Results];
});

/** What a test expects of rank 0, and of rank 1. */
test.each<[string, unknown, unknown]>([
  ["allReduce", [3, 30], [3, 30]],
  ["max", [2, 20], [2, 20]],
  ["strided", [[3, 9], [6, 12]], [[3, 9], [6, 12]]], // prettier-ignore
  ["broadcast", [2, 20], [2, 20]],
  ["reduce", null, [3, 30]],
  ["allGather", [[1, 10], [2, 20]], [[1, 10], [2, 20]]], // prettier-ignore
  ["uneven", [[0, 3], [2, 3]], [[0, 3], [2, 3]]], // prettier-ignore
  ["gather", [[1, 10], [2, 20]], null], // prettier-ignore
  ["scatter", [0, 0.5], [1, 1.5]],
  ["reduceScatter", [10], [12]],
  ["allToAll", [[0], [10]], [[1], [11]]],
  ["allToAllUneven", [[0, 2], [1, 2]], [[2, 2], [3, 2]]], // prettier-ignore
  ["recv", [1, [2, 20]], [0, [1, 10]]],
  ["broadcastObject", ["run", 7], ["run", 7]],
  ["gatherObject", null, [0, 11]],
  ["subgroup", null, [0, 1, [2, 20]]],
  ["blocking", [3, 30], [3, 30]],
  ["after", [false, 1], [false, 1]],
])("%s gives each process what torch.distributed gives it", (name, ofFirst, ofSecond) => {
  expect([first[name], second[name]]).toEqual([ofFirst, ofSecond]);
});

test("plain objects of different sizes come as they went", () => {
  const all = [{ name: "zero", list: [1, 2.5, null, true] }, "xxxxx"];
  expect(first["objects"]).toEqual(all);
  expect(second["objects"]).toEqual(all);
});

test("operations that are started together are matched in the order of their start", () => {
  const sums = Array.from({ length: 50 }, (_, k) => 3 * k);
  expect(first["many"]).toEqual(sums);
  expect(second["many"]).toEqual(sums);
});
