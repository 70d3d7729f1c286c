/** Processes that do not call the same: an error in all of them, where Gloo would end the one that gets more than it expects. */
import { join } from "node:path";
import { runRanks } from "../../support/ranks";

const script = join(__dirname, "fixtures", "mismatches.ts");
interface Outcome {
  readonly messages: Record<string, string>;
  readonly statuses: string[];
  readonly sum: number[];
}
let ranks: Outcome[];
beforeAll(async () => {
  ranks = (await runRanks([{ script }, { script }])) as Outcome[];
});

test.each([
  ["smaller first", "rank 0 calls allReduce sum of float32 (4), rank 1 calls allReduce sum of float32 (5000)"],
  ["larger first", "rank 0 calls allReduce sum of float32 (5000), rank 1 calls allReduce sum of float32 (4)"],
  ["dtypes", "rank 0 calls allReduce sum of float64 (4), rank 1 calls allReduce sum of float32 (4)"],
  ["shapes", "rank 0 calls broadcast from 0 of float32 (2, 3), rank 1 calls broadcast from 0 of float32 (3, 2)"],
  ["operations", "rank 0 calls broadcast from 0 of float32 (8000), rank 1 calls allReduce sum of float32 (4000)"],
  ["reductions", "rank 0 calls allReduce sum of float32 (4), rank 1 calls allReduce max of float32 (4)"],
  ["roots", "rank 0 calls broadcast from 0 of float32 (4), rank 1 calls broadcast from 1 of float32 (4)"],
  ["gathered", "rank 0 calls allGather of float32 (4), rank 1 calls allGather of float32 (5)"],
  ["scattered", "rank 0 calls scatter from 0 of float32 (1), rank 1 calls scatter from 0 of float32 (2)"],
  ["rows", "rank 0 sends 1 rows to rank 1, which expects 2"],
  ["objects", "rank 0 calls gather to 0 of uint8 (17), rank 1 calls allGather of uint8 (17)"],
  ["blocking", "rank 0 calls allReduce sum of float32 (1), rank 1 calls allReduce sum of float32 (2)"],
  ["many", "rank 0 calls broadcast from 0 of 1 tensors, float32 (2), rank 1 calls broadcast from 0 of 2 tensors"],
  ["module", "rank 0 calls DistributedDataParallel, rank 1 calls barrier"],
])("%s: both processes learn what each called", (name, difference) => {
  for (const [rank, { messages }] of ranks.entries()) {
    expect(messages[name]).toMatch(`rank ${rank} of 2: `);
    expect(messages[name]).toMatch(`the processes do not call the same: ${difference}`);
  }
});

test.each(["sent more", "sent less"])("%s than is received: an error of sender and receiver", (name) => {
  const [sent, received] = name === "sent more" ? [9, 4] : [4, 9];
  expect(ranks[0]!.messages[name]).toMatch(`float32 (${sent}) goes to rank 1, which receives float32 (${received})`);
  expect(ranks[1]!.messages[name]).toMatch(
    `float32 (${sent}) comes from rank 0, this one receives float32 (${received})`,
  );
});

test("nothing was sent: the group works on, also what was called at the same time", () => {
  for (const { statuses, sum } of ranks) {
    expect(statuses).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(sum).toEqual([3, 3]);
  }
});
