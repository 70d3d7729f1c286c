/** Worker threads that use the device: they compute, end or are ended, and the process goes on. */
import { Worker } from "node:worker_threads";
import { ones } from "../../lib/torch";
import { tryLoadNative } from "../../lib/torch/loader";
import { testOnCuda } from "./device";

const addon = tryLoadNative().attempts.at(-1)!.path!;

/** Computes a gradient on the device and ends, or stays, while its tensors are alive. */
const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
const native = require(workerData.addon);

const FLOAT32 = 6;
const [mul, sum, to] = [["aten::mul", "Tensor"], ["aten::sum", ""], ["aten::to", "device"]].map((name) => native.operator(...name));

const host = native.fromBytes(new Float32Array([1, 2, 3]), [3], FLOAT32);
const x = native.call(to, host, "cuda", FLOAT32);
native.setRequiresGrad(x, true);
native.backward([native.call(sum, native.call(mul, x, x))], null, false, false, null);
const gradient = native.call(to, native.grad(x), "cpu", FLOAT32);
parentPort.postMessage(Array.from(new Float32Array(native.toBytes(gradient))));
if (workerData.stays) parentPort.on("message", () => undefined); // keeps the thread
`;

function start(stays: boolean) {
  const worker = new Worker(PROGRAM, { eval: true, workerData: { addon, stays } });
  const message = new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  const exit = new Promise((resolve) => worker.once("exit", resolve));
  return { worker, message, exit };
}

testOnCuda("workers compute gradients on the device side by side and end by themselves", async () => {
  const workers = [start(false), start(false)];
  for (const { message } of workers) await expect(message).resolves.toEqual([2, 4, 6]);
  for (const { exit } of workers) await expect(exit).resolves.toBe(0);
});

testOnCuda("a worker that is terminated takes nothing along", async () => {
  const { worker, message, exit } = start(true);
  await message;
  await worker.terminate();
  await expect(exit).resolves.toBe(1);
  expect(ones([2], { device: "cuda" }).add(1).toArray()).toEqual([2, 2]);
});
