import { execFileSync } from "node:child_process";
import { type Tensor, getRngState, manualSeed, nn, noGrad, randn, tensor, utils } from "../../lib/torch";

const make = () => {
  manualSeed(5);
  return new nn.Sequential(new nn.Linear(4, 4), new nn.Dropout(0.5), new nn.Tanh(), new nn.Linear(4, 2));
};

function pass(model: nn.Sequential, call: (x: Tensor) => Tensor) {
  manualSeed(3);
  const x = randn([6, 4]).requiresGrad_();
  const loss = call(x).square().mean();
  loss.backward();
  return {
    loss: loss.item(),
    gradients: [x, ...model.parameters()].map(({ grad }) => grad!.toArray()),
    random: getRngState().toArray(),
  };
}

test.each(["module", "function"])(
  "a %s with dropout has the values, gradients and later random numbers of a plain call",
  (kind) => {
    const plain = make();
    const expected = pass(plain, (x) => plain.forward(x));
    const model = make();
    let calls = 0;
    const body = (x: Tensor): Tensor => {
      calls++;
      return model.forward(x);
    };
    expect(pass(model, (x) => (kind === "module" ? utils.checkpoint(model, x) : utils.checkpoint(body, x)))).toEqual(
      expected,
    );
    if (kind === "function") expect(calls).toBe(2);
  },
);

test("a function without an input that requires gradients is refused, a module is not", () => {
  const model = make();
  expect(() => utils.checkpoint((x: Tensor) => model.forward(x), tensor([[1, 2, 3, 4]]))).toThrow(
    /requires gradients.*give the module itself/,
  );
  utils
    .checkpoint(model, tensor([[1, 2, 3, 4]]))
    .sum()
    .backward();
  expect(model.parameters().every(({ grad }) => grad !== null)).toBe(true);
});

test("without recording the function is called as it is", () => {
  const x = tensor([1]);
  expect(noGrad(() => utils.checkpoint((y: Tensor) => y, x))).toBe(x);
});

const python = process.env["PYTHON"];
(python ? test : test.skip)("loss and gradients are those of torch.utils.checkpoint", () => {
  const code = `
import json, torch, torch.utils.checkpoint as c
from torch import nn
torch.manual_seed(5)
m = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.Tanh(), nn.Linear(4, 2))
torch.manual_seed(3)
x = torch.randn(6, 4, requires_grad=True)
loss = c.checkpoint(m, x, use_reentrant=True).square().mean()
loss.backward()
print(json.dumps([loss.item(), [t.grad.tolist() for t in [x, *m.parameters()]]]))`;
  const [loss, gradients] = JSON.parse(execFileSync(python!, ["-c", code], { encoding: "utf8" })) as [
    number,
    number[][],
  ];
  const model = make();
  const here = pass(model, (x) => utils.checkpoint((y: Tensor) => model.forward(y), x));
  expect(here.loss).toBeCloseTo(loss, 6);
  here.gradients.forEach((gradient, index) => {
    const far = tensor(gradient as number[])
      .sub(tensor(gradients[index]!))
      .abs()
      .max()
      .item();
    expect(far).toBeLessThan(1e-6);
  });
});
