import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { versions } from "../../../lib/torch";
import { python } from "../../support/python";
import { runRanks } from "../../support/ranks";

const script = join(__dirname, "fixtures", "training.ts");
const ways = ["plain", "noSync", "unused", "static"] as const;
type Results = Record<string, number[]> & { missing: string; mismatch: string; buffers: number[] };
let alone: Results;
let ranks: Results[];

beforeAll(async () => {
  [[alone], ranks] = (await Promise.all([runRanks([{ script }]), runRanks([{ script }, { script }])])) as [
    [Results],
    Results[],
  ];
});

test.each([...ways, "views"])("%s: after 20 updates the weights of both processes are the same bits", (way) => {
  expect(ranks[1]![way]).toEqual(ranks[0]![way]);
});

test.each([...ways, "views"])("%s: they are those of one process that saw the whole batches", (way) => {
  const difference = Math.max(...ranks[0]![way]!.map((value, i) => Math.abs(value - alone[way]![i]!)));
  // sums of float32 in another order, over 20 steps of AdamW
  expect(difference).toBeLessThan(1e-6);
});

test("a parameter without part in the loss is an error that names it, before the step", () => {
  for (const [rank, { missing }] of ranks.entries()) {
    expect(missing).toMatch(`rank ${rank} of 2: these parameters had no part in the loss`);
    expect(missing).toMatch("other.weight, other.bias");
  }
});

test("buffers are those of the first process", () => {
  // running mean of rank 0's first batch, then of the second one: 0.1·1, then 0.9·0.1 + 0.1·1; second column 0.1·2, 0.9·0.2 + 0.1·2
  for (const { buffers } of ranks) {
    expect(buffers[0]).toBeCloseTo(0.19, 6);
    expect(buffers[1]).toBeCloseTo(0.38, 6);
  }
});

test("modules of different shapes are refused", () => {
  expect(ranks[1]!.mismatch).toMatch(/rank 1 of 2: DistributedDataParallel failed.*sizes/s);
});

describe("beside a process of Python", () => {
  const version =
    python === undefined
      ? null
      : spawnSync(python, ["-c", "import torch; print(torch.__version__)"], { encoding: "utf8" }).stdout.trim();
  const fits = version !== null && version.split("+")[0] === versions().torch.split("+")[0];
  if (!fits)
    console.warn(
      `skipped: PYTHON has to name an interpreter with torch ${versions().torch}, found ${version ?? "none"}`,
    );
  const whenFits = fits ? test : test.skip;

  let mixed: Results[];
  beforeAll(async () => {
    if (!fits) return;
    const beside = { script: join(__dirname, "fixtures", "training.py"), python: python! };
    mixed = (await runRanks([{ script, args: ["--python"] }, beside])) as Results[];
  });

  whenFits.each(ways)("%s: both train one model and stay equal, bit by bit", (way) => {
    expect(mixed[1]![way]).toEqual(mixed[0]![way]);
  });

  whenFits("a transformer layer under AdamW: both stay equal, up to the rounding of the two optimizers", () => {
    const [ours, theirs] = mixed.map(({ transformer }) => transformer!);
    expect(ours).toHaveLength(theirs!.length);
    // the gradients are the same bits; fused and looped AdamW round differently, over 20 updates of up to 1e-2
    for (const [index, value] of ours!.entries()) expect(Math.abs(value - theirs![index]!)).toBeLessThan(1e-5);
  });

  whenFits("objects and groups are shared", () => {
    for (const { objects, sum } of mixed) {
      expect(objects).toEqual([0, 1].map((rank) => ({ rank, names: ["a", 1.5] })));
      expect(sum).toBe(3);
    }
  });
});
