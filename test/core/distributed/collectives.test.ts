import { join } from "node:path";
import {
  allGatherGrad,
  allGatherNogradClipped,
  allReduceSumNograd,
  fromRank0,
  isDataRank0,
  isDistributed,
  reduceMeanNograd,
  setAnywhere,
} from "../../../lib/core/distributed";
import { tensor } from "../../../lib/torch";
import { runRanks } from "../../support/ranks";

const script = join(__dirname, "fixtures", "collectives.ts");
let ranks: Record<string, unknown>[];
beforeAll(async () => {
  ranks = (await runRanks([{ script }, { script }])) as Record<string, unknown>[];
});

/** For rank 0, and, where it differs, for rank 1. */
test.each<[string, unknown, unknown?]>([
  ["gather", [[1, 1, 2, 2], [2, 2]]], // prettier-ignore
  ["sum", [[3, 3], [2, 2]]], // prettier-ignore
  ["mean", [[1.5, 1.5], [1, 1]]], // prettier-ignore
  ["number", [0.5, 1.5]],
  ["columns", [[0, 1], [0, 1]]], // prettier-ignore
  ["clipped", [1, 2, 1]],
  ["shapes", [[10, 6], [1, 6]]], // prettier-ignore
  ["bool", [true, true, false, true]],
  ["sums", [[3, 3], [1.5, 1.5]]], // prettier-ignore
  ["reduced", [[1.5, 1.5], [2, 2]], [null, null]], // prettier-ignore
  ["unchanged", [1, 1], [2, 2]],
  ["flags", [true, false]],
  ["who", [true, true, 0, 1, true], [true, false, 1, 1, false]],
  ["fromFirst", { id: "of 0" }],
  ["failure", "no folder", "rank 0 failed: no folder"],
])("%s of two processes", (name, first, second = first) => {
  expect(ranks.map((results) => results[name])).toEqual([first, second]);
});

describe("in one process", () => {
  test("tensors are what they were, numbers become a row where they would be gathered", async () => {
    expect(allGatherGrad(tensor(3)).shape).toEqual([1]);
    expect(allGatherNogradClipped(tensor([1, 2, 3]), 1).tolist()).toEqual([1, 2, 3]);
    const x = tensor([1, 2]);
    expect(allReduceSumNograd(x)).toBe(x);
    expect(reduceMeanNograd(x)).toBe(x);
    expect(setAnywhere(true, false)).toEqual([true, false]);
    await expect(fromRank0(() => 5)).resolves.toBe(5);
    expect([isDistributed(), isDataRank0()]).toEqual([false, true]);
  });
});
