/** Worker threads that use the device: they compute, end or are ended, and the process goes on. */
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { ones } from "../../lib/torch";
import { tryLoadNative } from "../../lib/torch/loader";

const addon = tryLoadNative().attempts.at(-1)!.path!;

function start(stays: boolean) {
  const worker = new Worker(join(__dirname, "worker.cjs"), { workerData: { addon, stays } });
  const message = new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  const exit = new Promise((resolve) => worker.once("exit", resolve));
  return { worker, message, exit };
}

test("workers compute gradients on the device side by side and end by themselves", async () => {
  const workers = [start(false), start(false)];
  for (const { message } of workers) await expect(message).resolves.toEqual([2, 4, 6]);
  for (const { exit } of workers) await expect(exit).resolves.toBe(0);
});

test("a worker that is terminated takes nothing along", async () => {
  const { worker, message, exit } = start(true);
  await message;
  await worker.terminate();
  await expect(exit).resolves.toBe(1);
  expect(ones([2], { device: "cuda" }).add(1).toArray()).toEqual([2, 2]);
});
