// A worker thread that keeps libtorch busy: operators, a graph with a JavaScript node, a backward pass.
const { parentPort, workerData } = require("node:worker_threads");
const native = require(workerData.addon);

const FLOAT32 = 6;
const add = native.operator("aten::add", "Tensor");
const sum = native.operator("aten::sum", "");

function round() {
  const leaf = native.fromBytes(new Float32Array(400).fill(1), [20, 20], FLOAT32);
  native.setRequiresGrad(leaf, true);
  const doubled = native.call(add, leaf, leaf);
  const output = native.fromBytes(new Float32Array(400), [20, 20], FLOAT32);
  native.attachFunction("Pass", [output], [doubled], (gradients) => [gradients[0]]);
  const total = native.call(sum, output);
  native.backward([total], null, false, false, null);
  const gradient = native.grad(leaf);
  const first = new Float32Array(native.toBytes(gradient))[0];
  native.freeMany([leaf, doubled, output, total, gradient]);
  return first;
}

if (workerData.ticket !== undefined) {
  const adopted = native.adopt(workerData.ticket);
  parentPort.postMessage({
    shape: native.shape(adopted),
    storage: native.storageId(adopted),
    values: Array.from(new Float32Array(native.toBytes(adopted))),
  });
} else {
  let result = 0;
  for (let i = 0; i < workerData.rounds; i++) result = round();
  parentPort.postMessage({ result, tensors: native.memory().tensors });
}
