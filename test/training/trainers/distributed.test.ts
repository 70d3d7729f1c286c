/** Training in two processes: the same as in one, and what they agree on. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { load } from "../../../lib/torch";
import { runRanks, startRanks } from "../../support/ranks";
import { temporaryFolder } from "../../support/small-run";

const script = join(__dirname, "..", "fixtures", "distributed-run.ts");
const folder = temporaryFolder();
afterAll(() => folder.remove());

interface Run {
  readonly stoppedAt: string;
  readonly weights: Record<string, unknown>;
  readonly seen: { x: number[]; rows: number[] };
  readonly losses: number[];
}

const programs = (world: number, runId: string, options: object = {}) =>
  Array.from({ length: world }, () => ({ script, args: [folder.path, runId, JSON.stringify(options)] }));
const train = async (world: number, runId: string, options: object = {}): Promise<Run[]> =>
  (await runRanks(programs(world, runId, options))) as Run[];
const flat = (weights: Record<string, unknown>): number[] => Object.values(weights).flat(Infinity) as number[];
const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

describe.each([
  ["whole batches", {}],
  ["accumulated batches", { max_batch_size: 2 }],
])("21 updates of %s", (name, sizes) => {
  let one: Run;
  let two: Run[];
  beforeAll(async () => {
    const options = { trainer: { max_epochs: 7, ...sizes } };
    const id = name.replace(" ", "-");
    [[one], two] = (await Promise.all([train(1, `one-${id}`, options), train(2, `two-${id}`, options)])) as [
      [Run],
      Run[],
    ];
  });

  test("weights are the same bits in both processes", () => {
    expect(two[1]!.weights).toEqual(two[0]!.weights);
  });

  test("weights and losses are those of one process with the same batches", () => {
    // float32 sums in another order
    expect(distance(flat(two[0]!.weights), flat(one.weights))).toBeLessThan(1e-5);
    for (const { losses } of two) expect(distance(losses, one.losses)).toBeLessThan(1e-5);
    expect(one.losses).toHaveLength(21);
  });

  test("a callback sees each sample once, in the order of the data set", () => {
    for (const { seen } of two) expect(seen.x).toEqual(one.seen.x);
    // 5 samples: batches of 2, 2, 1; in two processes with 3 each: 2, 1 and 2, 1
    expect([one.seen.rows, two[0]!.seen.rows]).toEqual([[3], [4]]);
  });
});

test("batch norm has the statistics of all samples of an update, so that weights are those of one process", async () => {
  const options = { batchNorm: true, trainer: { max_epochs: 7 } };
  const [[one], two] = await Promise.all([train(1, "norm-one", options), train(2, "norm-two", options)]);
  expect(distance(flat(two[0]!.weights), flat(one!.weights))).toBeLessThan(1e-5);
  expect(two[1]!.weights).toEqual(two[0]!.weights);
});

test("a NaN loss in one process leaves the update out in both", async () => {
  const [first, second] = await train(2, "nan", { nanIn: 1, trainer: { skip_nan_loss: true } });
  expect(first!.stoppedAt).toBe("E3_U9_S36");
  expect(flat(first!.weights).some(Number.isNaN)).toBe(false);
  expect(second!.weights).toEqual(first!.weights);
});

describe("a signal to one process", () => {
  const runId = "stopped";
  let runs: Run[];
  beforeAll(async () => {
    const endless = programs(2, runId, {
      shuffle: true,
      dropout: true,
      constantRate: true,
      trainer: { max_epochs: 1_000_000 },
    });
    const { children, ended } = startRanks(endless);
    let output = "";
    children[1]!.stdout!.on("data", (chunk: Buffer) => {
      if (!output.includes("update 7\n") && (output += chunk.toString()).includes("update 7\n"))
        children[1]!.kill("SIGTERM");
    });
    runs = (await ended).map(({ code, result, output: all }) => {
      if (code !== 0) throw new Error(all);
      return result as Run;
    });
  });

  const tag = () => `${runs[0]!.stoppedAt}.signal_interrupt`;

  test("ends both after the same update, with one checkpoint that has the random numbers of both", () => {
    expect(runs[1]!.stoppedAt).toBe(runs[0]!.stoppedAt);
    const path = join(folder.path, runId, "checkpoints");
    expect(existsSync(join(path, `small_cp=${tag()}_model.th`))).toBe(true);
    expect(readdirSync(path)).toHaveLength(3);
    const { random_state: state } = load(join(path, `small_cp=${tag()}_trainer.th`)) as unknown as {
      random_state: { other_ranks: { cpu: unknown }[] };
    };
    expect(state.other_ranks).toHaveLength(1);
  });

  test("two processes go on as if they had never stopped", async () => {
    const updates = Number(/U(\d+)/.exec(runs[0]!.stoppedAt)![1]) + 5;
    const options = { shuffle: true, dropout: true, constantRate: true, trainer: { max_updates: updates } };
    const [through, resumed] = await Promise.all([
      train(2, "through", options),
      train(2, "resumed", { ...options, resume: { runId, tag: tag() } }),
    ]);
    expect(resumed.map(({ weights }) => weights)).toEqual(through.map(({ weights }) => weights));
  });

  test("one process and four go on from it, too", async () => {
    const updates = Number(/U(\d+)/.exec(runs[0]!.stoppedAt)![1]) + 2;
    const few = { shuffle: true, trainer: { max_updates: updates }, resume: { runId, tag: tag() } };
    const [[alone], four] = await Promise.all([train(1, "alone", few), train(4, "four", few)]);
    expect(alone!.stoppedAt).toMatch(`U${updates}`);
    expect(four.map(({ stoppedAt }) => stoppedAt)).toEqual(Array(4).fill(alone!.stoppedAt));
  });
});
