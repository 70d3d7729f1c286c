/**
 * Run in a process of its own, with the device loaded: computes each case on the CPU and on the device, with gradients, and prints
 * one line of JSON for each that differs, then the number of cases. A case that reads the device's memory ends the process.
 */
import { createRequire } from "node:module";
import {
  arange,
  cat,
  enableGrad,
  Function,
  type FunctionContext,
  Generator,
  linear,
  load,
  matmul,
  nn,
  ops,
  optim,
  randn,
  save,
  scope,
  slice,
  Tensor,
} from "../../../lib/torch";
import { knn, knnTable, radius, radiusTable } from "../../../lib/modeling";

createRequire(__filename)(process.argv[2]!);
const DEVICE = "testdevice";
const folder = process.argv[3]!;

const generator = new Generator().manualSeed(0);
const random = (...shape: number[]) => randn(shape, { generator });

class Square extends Function {
  static forward(context: FunctionContext, x: Tensor): Tensor {
    context.saveForBackward(x);
    return x.mul(x);
  }
  static backward(context: FunctionContext, gradient: Tensor): Tensor {
    return context.savedTensors[0]!.mul(gradient).mul(2);
  }
}

/** A computation on tensors, which are given on either device; its results are compared, and so are its gradients. */
interface Case {
  readonly inputs: readonly Tensor[];
  readonly run: (...inputs: Tensor[]) => Tensor | readonly Tensor[];
}

const angles = random(1, 6, 4);
/** Points of which two are as far away as can be: NaN is no nearer than infinity. */
const notFinite = random(6, 3);
notFinite.index(1).fill_(NaN);
notFinite.index(3).fill_(Infinity);
const CASES: Record<string, Case> = {
  linear: { inputs: [random(5, 8), random(3, 8), random(3)], run: (x, w, b) => linear(x!, w!, b) },
  matmul: { inputs: [random(2, 5, 8), random(2, 8, 4)], run: (a, b) => matmul(a!, b!) },
  attention: {
    inputs: [random(2, 2, 6, 8), random(2, 2, 6, 8), random(2, 2, 6, 8)],
    run: (q, k, v) => ops.call("noether::attention", q, k, v) as Tensor,
  },
  rotate: {
    inputs: [random(2, 2, 6, 8)],
    run: (x) => ops.call("noether::rotate", x, angles.cos().to(x!.device), angles.sin().to(x!.device), 1) as Tensor,
  },
  "layer norm": {
    inputs: [random(4, 6), random(6), random(6)],
    run: (x, w, b) => nn.functional.layerNorm(x!, [6], w, b),
  },
  gelu: { inputs: [random(4, 6)], run: (x) => nn.functional.gelu(x!) },
  "total norm": { inputs: [random(4), random(3, 2)], run: (...x) => nn.utils.getTotalNorm(x) },
  radius: {
    inputs: [random(30, 3), random(8, 3)],
    run: (x, y) => radius(x!, y!, 1, { maxNumNeighbors: 4 }),
  },
  knn: { inputs: [random(30, 3), random(8, 3)], run: (x, y) => knn(x!, y!, 4) },
  // the backward of the device runs on a thread of its own, JavaScript on this one
  "a hook": {
    inputs: [random(5)],
    run: (x) => {
      const y = x!.mul(2);
      y.registerHook((gradient) => gradient.mul(3));
      return y.sin();
    },
  },
  "a function": { inputs: [random(5)], run: (x) => Square.apply(x) },
  "a pass within a hook": {
    inputs: [random(5)],
    run: (x) => {
      const y = x!.mul(2);
      y.registerHook((gradient) =>
        enableGrad(() => {
          const inner = x!.detach().requiresGrad_(true);
          Square.apply(inner).sum().backward();
          return gradient.mul(inner.grad!);
        }),
      );
      return y.exp();
    },
  },
  "knn of points that are not finite": {
    inputs: [notFinite, random(8, 3)],
    run: (x, y) => knn(x!, y!, 7),
  },
  "tables of neighbours": {
    inputs: [notFinite, random(8, 3)],
    run: (x, y) =>
      [radiusTable(x!, y!, 1, { maxNumNeighbors: 4 }), knnTable(x!, y!, 7)].map(({ index, valid }) =>
        valid ? index.where(valid, -1) : index,
      ),
  },
  "modulated layer norm": {
    inputs: [random(2, 5, 6), random(2, 6), random(2, 6)],
    run: (x, scale, shift) => ops.call("noether::modulated_layer_norm", x, scale, shift, 1e-5) as Tensor,
  },
  "an index in brackets": { inputs: [random(5, 4)], run: (x) => x!.index([1, 3], slice(1)) },
  "cat and views": { inputs: [random(3, 4), random(2, 4)], run: (a, b) => cat([a!, b!]).t().unfold(1, 2, 1) },
  "a saved and loaded tensor": {
    inputs: [random(3, 4)],
    run: (x) => {
      save(x!.detach(), `${folder}/x.pt`);
      return (load(`${folder}/x.pt`) as Tensor).to(x!.device);
    },
  },
  "an AdamW step": {
    inputs: [random(3, 4)],
    run: (x) => {
      const weight = x!.detach().clone().requiresGrad_(true);
      const optimizer = new optim.AdamW([weight], { lr: 0.1 });
      for (let update = 0; update < 3; update++) {
        optimizer.zeroGrad();
        weight.square().sum().backward();
        optimizer.step();
      }
      return weight.detach();
    },
  },
};

function results({ inputs, run }: Case, device: string): Tensor[] {
  const leaves = inputs.map((input) => input.to(device).detach().requiresGrad_(true));
  const returned = run(...leaves);
  const outputs = returned instanceof Tensor ? [returned] : [...(returned as Tensor[])];
  const differentiable = outputs.filter((output) => output.requiresGrad);
  for (const [i, output] of differentiable.entries()) {
    // not symmetric, so that a transposed gradient shows
    const weights = arange(output.numel(), { dtype: "float32" }).sin().view(output.shape).to(device);
    output
      .mul(weights)
      .sum()
      .backward(undefined, { retainGraph: i + 1 < differentiable.length });
  }
  return [...outputs, ...leaves.flatMap(({ grad }) => grad ?? [])];
}

const differs = (a: Tensor, b: Tensor) =>
  a.shape.join() !== b.shape.join() || a.dtype !== b.dtype || !a.detach().allclose(b.detach().to("cpu"), 1e-5, 1e-6);

for (const [name, test] of Object.entries(CASES)) {
  scope(() => {
    try {
      const [expected, actual] = [results(test, "cpu"), results(test, DEVICE)];
      const wrong = expected.flatMap((value, i) => (actual[i] && !differs(value, actual[i]) ? [] : [i]));
      if (wrong.length > 0 || actual.length !== expected.length)
        console.log(JSON.stringify({ name, wrong, count: [expected.length, actual.length] }));
      if (!actual[0]!.device.startsWith(DEVICE)) console.log(JSON.stringify({ name, device: actual[0]!.device }));
    } catch (error) {
      console.log(JSON.stringify({ name, error: String(error) }));
    }
  });
}
console.log(`${Object.keys(CASES).length} cases`);
