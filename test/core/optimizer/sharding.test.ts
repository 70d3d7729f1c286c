import { join } from "node:path";
import { balanced } from "../../../lib/core/optimizer/sharding";
import { load, toMap } from "../../../lib/torch";
import { runRanks } from "../../support/ranks";
import { temporaryFolder } from "../../support/small-run";

const script = join(__dirname, "..", "..", "training", "fixtures", "distributed-run.ts");
const folder = temporaryFolder();
afterAll(() => folder.remove());

const CHECKPOINT = {
  kind: "noether.core.callbacks.CheckpointCallback",
  every_n_epochs: 7,
  save_optim: true,
  save_weights: true,
};
interface Run {
  readonly weights: Record<string, unknown>;
}
const train = async (runId: string, world: number, trainer: object, resume?: object): Promise<Run[]> => {
  const options = { trainer: { callbacks: [CHECKPOINT], ...trainer }, constantRate: true, resume };
  const program = { script, args: [folder.path, runId, JSON.stringify(options)] };
  return (await runRanks(Array.from({ length: world }, () => program))) as Run[];
};
const optimizerOf = (runId: string): Map<unknown, unknown> =>
  toMap(load(join(folder.path, runId, "checkpoints", "small_cp=E7_U21_S84_optim.th")));

test("shares have even sizes, the same in every process", () => {
  expect(balanced([5, 1, 4, 2], 2)).toEqual([0, 0, 1, 1]);
  expect(balanced([1, 1, 1], 4)).toEqual([0, 1, 2]);
  expect(balanced([7], 1)).toEqual([0]);
});

describe("a state that is spread over two processes", () => {
  let sharded: Run[];
  let whole: Run[];
  beforeAll(async () => {
    [sharded, whole] = await Promise.all([
      train("sharded", 2, { max_epochs: 7, shard_optimizer_state: true }),
      train("whole", 2, { max_epochs: 7 }),
    ]);
  });

  test("gives the weights that a whole state gives, in both", () => {
    expect(sharded.map(({ weights }) => weights)).toEqual(whole.map(({ weights }) => weights));
  });

  test("is whole in the checkpoint", () => {
    const [ours, theirs] = [optimizerOf("sharded"), optimizerOf("whole")];
    expect(toMap(ours.get("state")).size).toBe(4);
    expect(ours).toEqual(theirs);
  });

  test("a run in one process continues from it, and the other way round", async () => {
    const longer = { max_epochs: 8 };
    const [[one], two] = (await Promise.all([
      train("one", 1, longer, { runId: "sharded", tag: "E7_U21_S84" }),
      train("again", 2, { ...longer, shard_optimizer_state: true }, { runId: "whole", tag: "E7_U21_S84" }),
    ])) as [[Run], Run[]];
    const flat = ({ weights }: Run): number[] => Object.values(weights).flat(Infinity) as number[];
    const expected = flat(one);
    for (const run of two) for (const [i, value] of flat(run).entries()) expect(value).toBeCloseTo(expected[i]!, 5);
  });
});
