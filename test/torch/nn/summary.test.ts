import { inspect } from "node:util";
import { countTensors, nn, scope, summary, type Tensor, zeros } from "../../../lib/torch";

class Net extends nn.Module {
  readonly features = new nn.Sequential(new nn.Conv2d(3, 8, 3), new nn.BatchNorm2d(8), new nn.ReLU());
  readonly head = new nn.Linear(8, 10);
  readonly tied = new nn.Linear(8, 10, { bias: false });

  constructor() {
    super();
    this.tied.weight = this.head.weight;
    this.features.at(0).requiresGrad_(false);
  }

  forward(x: Tensor): [Tensor, Tensor] {
    const pooled = this.features.forward(x).mean([2, 3]); // (N, 8)
    return [this.head.forward(pooled), this.tied.forward(pooled)];
  }
}

test("weights, what trains, and memory: shared weights once", () => {
  const table = summary(new Net());
  expect([table.parameters, table.trainable]).toEqual([224 + 16 + 90, 16 + 90]);
  expect(table.bytes).toBe(4 * (224 + 16 + 16 + 90) + 8);
  expect(String(table)).toBe(
    [
      "module                  weights            parameters  trainable   memory",
      "─────────────────────────────────────────────────────────────────────────",
      "Net",
      "  features: Sequential",
      "    0: Conv2d           [8, 3, 3, 3], [8]         224          0    896 B",
      "    1: BatchNorm2d      [8], [8]                   16         16    136 B",
      "    2: ReLU",
      "  head: Linear          [10, 8], [10]              90         90    360 B",
      "  tied: Linear",
      "─────────────────────────────────────────────────────────────────────────",
      "total                                             330        106  1.4 KiB",
    ].join("\n"),
  );
  expect(inspect(table)).toBe(String(table));
});

test("with inputs: the shapes of outputs, from one pass that leaves nothing behind", () => {
  const net = new Net();
  net.features.at(1).eval();
  const state = net.stateDict();
  scope(() => summary(net, [zeros([2, 3, 6, 6])]));
  const before = countTensors();
  const table = scope(() => summary(net, [zeros([2, 3, 6, 6])]));
  expect(countTensors()).toBe(before);
  const shapes = Object.fromEntries(table.rows.map(({ name, outputShapes }) => [name, outputShapes]));
  expect(shapes).toEqual({
    "": [
      [2, 10],
      [2, 10],
    ],
    features: [[2, 8, 4, 4]],
    "features.0": [[2, 8, 4, 4]],
    "features.1": [[2, 8, 4, 4]],
    "features.2": [[2, 8, 4, 4]],
    head: [[2, 10]],
    tied: [[2, 10]],
  });
  expect([net.training, net.features.at(1).training, net.head.training]).toEqual([true, false, true]);
  expect(net.stateDict()).toEqual(state);
  expect(() => summary(net, [zeros([2, 4, 6, 6])])).toThrow("summary: forward failed with the inputs given: conv2d");
  expect(net.training).toBe(true);
});

test("a depth adds up what is below", () => {
  const { rows } = summary(new Net(), undefined, { depth: 1 });
  expect(rows.map(({ name, parameters }) => [name, parameters])).toEqual([
    ["", 0],
    ["features", 240],
    ["head", 90],
    ["tied", 0],
  ]);
});

test("anything but a module and an array of inputs is refused", () => {
  expect(() => summary(3 as unknown as nn.Module)).toThrow("summary: expected a module for module, got 3");
  expect(() => summary(new Net(), zeros([1]) as unknown as unknown[])).toThrow(
    "expected an array of inputs of forward",
  );
  expect(() => summary(new Net(), [], { dept: 1 } as object)).toThrow('did you mean "depth"?');
});
