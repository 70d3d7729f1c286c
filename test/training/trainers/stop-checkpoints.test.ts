import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { load } from "../../../lib/torch";
import { smallRun, temporaryFolder } from "../../support/small-run";
import { builtPackage } from "../../support/child";

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** Starts the endless run in a process of its own and sends it a signal after its fifth update. */
async function interrupt(signal: NodeJS.Signals, runId: string): Promise<{ code: number | null; stoppedAt: string }> {
  const script = join(__dirname, "..", "fixtures", "endless-run.ts");
  const child = spawn(process.execPath, ["--require", builtPackage, script, folder.path, runId], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  let stoppedAt = "";
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === "update 5") child.kill(signal);
    if (line.startsWith("stopped at ")) stoppedAt = line.slice("stopped at ".length);
  }
  const code = child.exitCode ?? (await new Promise<number | null>((resolve) => child.once("exit", resolve)));
  if (stoppedAt === "") throw new Error(`the run did not stop by itself (code ${code}):\n${errors}`);
  return { code, stoppedAt };
}

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s finishes the update, writes a checkpoint and exits with 0",
  async (signal) => {
    const { code, stoppedAt } = await interrupt(signal, signal);
    expect(code).toBe(0);
    const files = ["model", "optim", "trainer"].map((part) =>
      join(folder.path, signal, "checkpoints", `small_cp=${stoppedAt}.signal_interrupt_${part}.th`),
    );
    expect(files.filter((file) => !existsSync(file))).toEqual([]);
    const { training_iteration: iteration } = load(files[2] as string) as { training_iteration: { update: number } };
    expect(`U${iteration.update}`).toBe(stoppedAt.split("_")[1]);
  },
);

test("the checkpoint of an interruption can be resumed", async () => {
  const { stoppedAt } = await interrupt("SIGTERM", "again");
  const update = Number(/U(\d+)/.exec(stoppedAt)?.[1]);
  const { trainer, model } = smallRun({
    outputRootPath: folder.path,
    runId: "resumed",
    trainer: {
      max_updates: update + 4,
      initializer: {
        kind: "noether.core.initializers.ResumeInitializer",
        run_id: "again",
        checkpoint_tag: `${stoppedAt}.signal_interrupt`,
        model_name: "small",
      },
    },
  });
  expect(String(trainer.startCheckpoint)).toBe(stoppedAt);
  await trainer.train(model);
  expect(trainer.updateCounter.update).toBe(update + 4);
});

test("signals have their usual effect again after training", async () => {
  const before = process.listenerCount("SIGTERM");
  const { trainer, model } = smallRun({ outputRootPath: folder.path, runId: "plain" });
  await trainer.train(model);
  expect(process.listenerCount("SIGTERM")).toBe(before);
});
