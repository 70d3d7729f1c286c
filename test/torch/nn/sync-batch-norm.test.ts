/** Batch norm over the samples of three processes, of which one has none: what one process computes that has the whole batch. */
import { join } from "node:path";
import { deepcopy, nn, randn } from "../../../lib/torch";
import { runRanks } from "../../support/ranks";

interface Pass {
  readonly results: { readonly y: unknown[]; readonly dx: unknown[] }[];
  readonly gradients: unknown[];
  readonly evaluated: unknown[];
  readonly buffers: unknown[];
}
interface Rank {
  readonly kinds: string[];
  readonly keys: string[];
  readonly own: Pass;
  readonly whole: (Pass & { readonly keys: string[] }) | null;
}
let ranks: Rank[];
let whole: NonNullable<Rank["whole"]>;
beforeAll(async () => {
  const script = join(__dirname, "fixtures", "sync-batch-norm.ts");
  ranks = (await runRanks([{ script }, { script }, { script }])) as Rank[];
  whole = ranks[0]!.whole!;
});

function expectClose(found: unknown, expected: unknown): void {
  const numbers = (value: unknown): number[] => [value].flat(Infinity) as number[];
  const [given, wanted] = [numbers(found), numbers(expected)];
  expect(given).toHaveLength(wanted.length);
  // float64 sums in another order
  for (const [index, value] of given.entries()) expect(Math.abs(value - wanted[index]!)).toBeLessThan(1e-12);
}

test.each(["y", "dx"] as const)("%s of all processes is that of the whole batch, in both batches", (name) => {
  for (const batch of [0, 1]) {
    expectClose(
      ranks.flatMap(({ own }) => own.results[batch]![name]),
      whole.results[batch]![name],
    );
  }
});

test("the weights' gradients add up to those of the whole batch", () => {
  const sums = whole.gradients.map((gradient, parameter) =>
    (gradient as number[]).map((_, channel) =>
      ranks.reduce((sum, { own }) => sum + (own.gradients[parameter] as number[])[channel]!, 0),
    ),
  );
  expectClose(sums, whole.gradients);
});

test("running statistics and evaluation are those of the whole batch, in every process", () => {
  for (const { own } of ranks) {
    expectClose(own.buffers, whole.buffers);
    expectClose(own.evaluated, whole.evaluated);
  }
});

test("converting replaces batch norms wherever they are, and keeps the keys of the state dict", () => {
  expect(ranks[0]!.kinds.filter((kind) => kind.includes("Norm"))).toEqual(["SyncBatchNorm", "SyncBatchNorm"]);
  expect(ranks[0]!.keys).toEqual(whole.keys);
});

test("a copy has the same group and values of its own", () => {
  const norm = new nn.SyncBatchNorm(3);
  const copy = deepcopy(norm);
  norm.runningMean!.add_(1);
  expect([copy.processGroup, copy.runningMean!.tolist()]).toEqual([null, [0, 0, 0]]);
});

test("in one process it is the ordinary batch norm", () => {
  const x = randn([4, 3, 2]);
  expect(new nn.SyncBatchNorm(3).forward(x).tolist()).toEqual(new nn.BatchNorm1d(3).forward(x).tolist());
  expect(() => new nn.SyncBatchNorm(3).forward(randn([4]))).toThrow(
    "SyncBatchNorm: expected an input of 2 dimensions or more",
  );
});
