/** `devices: "0,1"`: the command starts a process for each. */
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { runCli, startCli } from "./run-cli";

let output: string;
beforeEach(() => (output = mkdtempSync(join(tmpdir(), "noether-processes-"))));
afterEach(() => rmSync(output, { recursive: true, force: true }));

const args = (...more: string[]) => ["configs/train.yaml", `output_path=${output}`, "+run_id=run", "accelerator=cpu", '+devices="0,1"', ...more];
const file = (...parts: string[]) => join(output, "run", "train", ...parts);

test("two processes train one run: lines with their rank, files once", () => {
  const { code, stdout, stderr } = runCli("noether-train", args());
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(stdout + stderr).toMatch(/^\[rank 0\] .*training with 2 processes/m);
  expect(stderr).not.toMatch(/^\[rank 1\] .*(error|warning)/im);
  expect(readdirSync(file("checkpoints"))).toContain("classifier_cp=E2_U8_S64_model.th");
  expect(readFileSync(file("log.txt"), "utf8").match(/finished in/g)).toHaveLength(1);
  expect(readFileSync(file("tracker", "config.yaml"), "utf8")).toMatch(/dist\/world_size: '2'/);
});

test("a batch that two processes cannot share is an error of both, and of the command", () => {
  const { code, stderr } = runCli("noether-train", args("trainer.effective_batch_size=5"));
  expect(code).toBe(1);
  expect(stderr).toMatch(/\[rank \d\] .*effective_batch_size 5 has to be a multiple of the number of processes 2/);
  expect(stderr).toMatch(/rank \d ended with exit code 1/);
});

test("a device list that is none is refused before anything is started", () => {
  const { code, stderr } = runCli("noether-train", [...args().slice(0, -1), '+devices="0,a"']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/devices: expected device indices/);
  expect(existsSync(file())).toBe(false);
});

/** Starts an endless run of two processes, and sends the command a signal in the first epoch. */
async function signalled(signal: NodeJS.Signals) {
  const child = startCli("noether-train", args("trainer.max_epochs=100000", "trainer.callbacks=null"));
  let text = "";
  let stopped = false;
  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface({ input: stream }).on("line", (line) => {
      text += `${line}\n`;
      if (!stopped && /^\[rank 0\] .*epoch 1\//.test(line)) stopped = child.kill(signal);
    });
  }
  const [code, endedBy] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { code, endedBy, text };
}

test("SIGTERM to the command stops both after an update, with a checkpoint and exit code 0", async () => {
  const { code, text } = await signalled("SIGTERM");
  expect({ code, text }).toMatchObject({ code: 0 });
  expect(readdirSync(file("checkpoints")).filter((name) => name.includes("signal_interrupt"))).toHaveLength(3);
});

test("Ctrl-C ends both, and the command as the signal does, without a word of failed processes", async () => {
  const { endedBy, text } = await signalled("SIGINT");
  expect({ endedBy, text }).toMatchObject({ endedBy: "SIGINT" });
  expect(text).toMatch(/interrupted: ending at once/);
  expect(text).not.toMatch(/ending the others|what it said is above/);
});
