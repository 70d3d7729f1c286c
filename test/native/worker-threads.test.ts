import { spawnSync } from "node:child_process";
import path from "node:path";
import { Worker } from "node:worker_threads";
import { native } from "../../lib/torch/addon";
import { tryLoadNative } from "../../lib/torch/loader";

const FLOAT32 = 6;
const script = path.join(__dirname, "worker.cjs");
const addonPath = tryLoadNative().attempts.at(-1)!.path!;

function start(data: Record<string, unknown>): Worker {
  return new Worker(script, { workerData: { addon: addonPath, ...data } });
}

function answer<T>(worker: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function ended(worker: Worker): Promise<number> {
  return new Promise((resolve) => worker.once("exit", resolve));
}

test("a worker computes gradients of its own and counts only its own tensors", async () => {
  await expect(answer(start({ rounds: 3 }))).resolves.toEqual({ result: 2, tensors: 0 });
});

test("a tensor goes to another thread without a copy", async () => {
  const tensor = native.fromBytes(new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3], FLOAT32);
  const message = await answer<{ shape: number[]; storage: number; values: number[] }>(
    start({ ticket: native.park(tensor) }),
  );
  expect(message).toEqual({ shape: [2, 3], storage: native.storageId(tensor), values: [1, 2, 3, 4, 5, 6] });
  native.free(tensor);
});

test("JavaScript memory is copied when it goes to another thread, since it ends with its own", async () => {
  const tensor = native.fromBuffer(new Float32Array([7, 8]), [2], FLOAT32);
  const message = await answer<{ storage: number; values: number[] }>(start({ ticket: native.park(tensor) }));
  expect(message.values).toEqual([7, 8]);
  expect(message.storage).not.toBe(native.storageId(tensor));
  native.free(tensor);
});

test("a ticket is good once", () => {
  const tensor = native.fromBytes(new Float32Array(1), [1], FLOAT32);
  const ticket = native.park(tensor);
  native.free(native.adopt(ticket));
  expect(() => native.adopt(ticket)).toThrow(expect.objectContaining({ code: "ERR_TICKET" }));
  native.free(tensor);
});

test("a tensor with a graph stays on its thread", () => {
  const leaf = native.fromBytes(new Float32Array(1), [1], FLOAT32);
  native.setRequiresGrad(leaf, true);
  const sum = native.call(native.operator("aten::sum", ""), leaf) as number;
  expect(() => native.park(sum)).toThrow(expect.objectContaining({ code: "ERR_AUTOGRAD" }));
  native.freeMany([leaf, sum]);
});

test("50 workers start and stop while operators run", () => {
  // In a process of its own: what could go wrong here ends the process.
  const program = `
    const { Worker } = require("node:worker_threads");
    const native = require(${JSON.stringify(addonPath)});
    const add = native.operator("aten::add", "Tensor");
    let ended = 0;
    for (let i = 0; i < 50; i++) {
      const worker = new Worker(${JSON.stringify(script)}, { workerData: { addon: ${JSON.stringify(addonPath)}, rounds: 1000 } });
      worker.on("error", (error) => { console.error(error); process.exitCode = 1; });
      worker.on("exit", () => { if (++ended === 50) console.log("all ended"); });
      if (i % 2) worker.once("online", () => worker.terminate());
    }
    const x = native.fromBytes(new Float32Array(100), [100], ${FLOAT32});
    (function busy() {
      for (let i = 0; i < 200; i++) native.free(native.call(add, x, x));
      if (ended < 50) setImmediate(busy);
    })();`;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ["-e", program], { encoding: "utf8" });
  expect({ status, signal, stdout, stderr }).toEqual({ status: 0, signal: null, stdout: "all ended\n", stderr: "" });
}, 120_000);

test("a worker that ends with tensors alive takes nothing down", async () => {
  const worker = new Worker(
    `const native = require(require("node:worker_threads").workerData.addon);
     const leaf = native.fromBytes(new Float32Array(4), [4], ${FLOAT32});
     native.setRequiresGrad(leaf, true);
     native.registerHook(leaf, () => 0);`,
    { eval: true, workerData: { addon: addonPath } },
  );
  await expect(ended(worker)).resolves.toBe(0);
});
