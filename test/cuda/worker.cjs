// A worker thread that trains on the device and ends while its tensors are alive.
const { parentPort, workerData } = require("node:worker_threads");
const native = require(workerData.addon);

const FLOAT32 = 6;
const [mul, sum, to] = [["aten::mul", "Tensor"], ["aten::sum", ""], ["aten::to", "device"]].map((name) => native.operator(...name)); // prettier-ignore

const host = native.fromBytes(new Float32Array([1, 2, 3]), [3], FLOAT32);
const x = native.call(to, host, "cuda", FLOAT32);
native.setRequiresGrad(x, true);
native.backward([native.call(sum, native.call(mul, x, x))], null, false, false, null);
const gradient = native.call(to, native.grad(x), "cpu", FLOAT32);
parentPort.postMessage(Array.from(new Float32Array(native.toBytes(gradient))));
if (workerData.stays) parentPort.on("message", () => undefined); // keeps the thread
