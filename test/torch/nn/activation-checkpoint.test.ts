import { amp, getRngState, manualSeed, nn, randn, scope, tensor, type Tensor } from "../../../lib/torch";

/** A block with dropout, batch norm and arguments in an object. */
class Block extends nn.Module {
  readonly linear = new nn.Linear(4, 4);
  readonly norm = new nn.BatchNorm1d(4);
  readonly dropout = new nn.Dropout(0.5);
  calls = 0;

  override forward(x: Tensor, { shift, list }: { shift: Tensor; list: [Tensor] }): { y: Tensor; index: Tensor } {
    this.calls++;
    const y = this.dropout
      .forward(this.norm.forward(this.linear.forward(x)).tanh())
      .add(shift)
      .mul(list[0]);
    return { y: x.add(y), index: y.argmax(1) };
  }
}

class Net extends nn.Module {
  readonly blocks = new nn.ModuleList([new Block(), new Block()]);
  readonly heads = new nn.ModuleList([new nn.Linear(4, 1)]);

  override forward(x: Tensor, shift: Tensor): Tensor {
    const list: [Tensor] = [tensor([1, 2, 3, 4])];
    for (const block of this.blocks) x = block.forward(x, { shift, list }).y;
    return this.heads.at(0).forward(x);
  }
}

const input = () => {
  manualSeed(3);
  return { x: randn([6, 4]).requiresGrad_(), shift: randn([4]).requiresGrad_() };
};

function pass(net: Net, run: (body: () => Tensor) => Tensor = (body) => body()) {
  const { x, shift } = input();
  manualSeed(11);
  const loss = run(() => scope(() => net.forward(x, shift).square().mean()));
  loss.backward();
  return {
    loss: loss.item(),
    gradients: [x, shift, ...net.parameters()].map(({ grad }) => grad!.toArray()),
    statistics: net.buffers().map((buffer) => buffer.toArray()),
    random: getRngState().toArray(),
  };
}

const make = (): Net => {
  manualSeed(5);
  return new Net();
};

test("losses, gradients, running statistics and later random numbers are those without", () => {
  const expected = pass(make());
  const net = make();
  expect(nn.checkpointBlocks(net)).toEqual(["blocks.0", "blocks.1"]);
  expect(pass(net)).toEqual(expected);
  expect(net.blocks.at(0).calls).toBe(2);
});

test("also under autocast", () => {
  const autocast = (body: () => Tensor): Tensor => amp.autocast({ dtype: "bfloat16" }, body);
  const expected = pass(make(), autocast);
  const net = make();
  nn.checkpointBlocks(net);
  expect(pass(net, autocast)).toEqual(expected);
  expect(expected.loss).not.toBe(pass(make()).loss);
});

test("what is frozen gets no gradient", () => {
  const net = make();
  for (const parameter of net.blocks.at(0).parameters()) parameter.requiresGrad_(false);
  nn.checkpointBlocks(net);
  const { x, shift } = input();
  net.forward(x.detach(), shift.detach()).sum().backward();
  expect(
    net.blocks
      .at(0)
      .parameters()
      .every(({ grad }) => grad === null),
  ).toBe(true);
  expect(net.blocks.at(1).linear.weight.grad).not.toBeNull();
});

test("two backward passes over one graph give twice the gradient", () => {
  const net = make();
  nn.checkpointBlocks(net);
  const { x, shift } = input();
  const loss = net.forward(x, shift).mean();
  loss.backward(null, { retainGraph: true });
  const first = x.grad!.clone();
  loss.backward();
  expect(x.grad!.allclose(first.mul(2))).toBe(true);
});

test("second derivatives are refused", () => {
  const net = make();
  nn.checkpointBlocks(net);
  const { x, shift } = input();
  expect(() => net.forward(x, shift).mean().backward(null, { createGraph: true })).toThrow(/no second derivatives/);
});

test("an input that was changed in place since is noticed", () => {
  const net = make();
  nn.checkpointBlocks(net);
  const { x, shift } = input();
  const start = x.mul(1);
  const loss = net.forward(start, shift).mean();
  start.detach().zero_();
  expect(() => loss.backward()).toThrow(/was changed in place since/);
});

test("keys of the state dict, printing and evaluation stay as they are, and twice is once", () => {
  const net = make();
  const [keys, text] = [[...net.stateDict().keys()], String(net)];
  nn.checkpointBlocks(net);
  nn.checkpointBlocks(net);
  expect([[...net.stateDict().keys()], String(net)]).toEqual([keys, text]);
  pass(net);
  expect(net.blocks.at(0).calls).toBe(2);
});

test("a model without blocks has none", () => expect(nn.checkpointBlocks(new nn.Linear(2, 2))).toEqual([]));
