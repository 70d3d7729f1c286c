/** Levels in a worker thread: see workers.test.ts. */
const { parentPort, workerData } = require("node:worker_threads");

const native = require(workerData.addon);
const operator = (name, overload = "") => native.operator(`aten::${name}`, overload);
const tensor = (values) => native.fromBytes(Float32Array.from(values), [values.length], 6);
const read = (handle) => Array.from(new Float32Array(native.toBytes(handle)));

if (workerData.task === "tangents") {
  const right = [];
  for (let round = 0; round < workerData.rounds; round++) {
    native.enterForward();
    const dual = native.makeDual(tensor([1, 2]), tensor([workerData.slope, workerData.slope]));
    const [, tangent] = native.unpackDual(native.call(operator("mul", "Tensor"), dual, dual));
    right.push(read(tangent).every((value, index) => value === 2 * (index + 1) * workerData.slope));
    native.leaveForward();
  }
  parentPort.postMessage(right.every(Boolean));
} else if (workerData.task === "levels") {
  const level = native.pushTransform("vmap", 2, "error");
  const entry = native.addBatchDim(tensor([1, 2]), 0, level);
  const sum = native.call(operator("add", "Tensor"), entry, entry);
  const whole = native.removeBatchDim(sum, level, 2, 0);
  parentPort.postMessage([level, native.transformDepth()]);
  native.popTransform(level);
  if (read(whole).join() !== "2,4") throw new Error(`expected 2,4, got ${read(whole).join()}`);
} else {
  // ends while everything is open
  native.enterForward();
  native.pushTransform("grad");
  native.pushTransform("vmap", 3, "error");
  native.setAnomaly(() => "", true);
  parentPort.postMessage("open");
  if (workerData.task === "terminated") for (;;);
}
