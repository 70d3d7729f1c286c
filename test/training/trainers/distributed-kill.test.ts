/** A process that is killed at any moment: the other one ends by itself, and the last checkpoint is whole. NOETHER_KILLS says how often. */
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { load } from "../../../lib/torch";
import { runRanks, startRanks } from "../../support/ranks";
import { temporaryFolder } from "../../support/small-run";

const script = join(__dirname, "..", "fixtures", "distributed-run.ts");
const kills = Number(process.env["NOETHER_KILLS"] ?? 2);
const folder = temporaryFolder();
afterAll(() => folder.remove());

const LATEST = {
  kind: "noether.core.callbacks.CheckpointCallback",
  every_n_updates: 1,
  save_weights: false,
  save_latest_weights: true,
  save_latest_optim: true,
};
const programs = (runId: string, options: object) =>
  [0, 1].map(() => ({ script, args: [folder.path, runId, JSON.stringify(options)] }));

test.each(Array.from({ length: kills }, (_, index) => index))(
  "kill %i",
  async (index) => {
    const runId = `killed-${index}`;
    const common = { constantRate: true, dropout: true, shuffle: true };
    const { children, ended } = startRanks(
      programs(runId, { ...common, trainer: { max_epochs: 1_000_000, callbacks: [LATEST] } }),
      { DISTRIBUTED_TIMEOUT_S: "60" },
    );
    const victim = children[index % 2]!;
    await once(victim.stdout!, "data"); // the first update
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
    victim.kill("SIGKILL");
    const outcomes = await ended;
    const other = outcomes[1 - (index % 2)]!;
    expect({ code: other.code, signal: other.signal, output: other.output }).toMatchObject({ code: 1, signal: null });
    expect(other.output).toMatch(/DistributedError: rank \d of 2: .* failed.*Another process of the group has ended/s);

    const latest = join(folder.path, runId, "checkpoints", "small_cp=latest_trainer.th");
    if (!existsSync(latest)) return; // killed before the first checkpoint
    const resume = { runId, tag: "latest" };
    const { training_iteration: reached } = load(latest) as { training_iteration: { update: number } };
    const updates = 3 + reached.update;
    const runs = (await runRanks(
      programs(`resumed-${index}`, { ...common, resume, trainer: { max_updates: updates } }),
    )) as { stoppedAt: string; weights: unknown }[];
    expect(runs[0]!.stoppedAt).toMatch(`U${updates}`);
    expect(runs[1]!.weights).toEqual(runs[0]!.weights);
  },
  120_000,
);
