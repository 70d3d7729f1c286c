import { basename } from "node:path";
import * as torch from "../../../lib/torch";
import { autograd, nn, tensor, type Tensor } from "../../../lib/torch";

const here = basename(__filename);
const negative = (): Tensor => tensor([-1, 4], { requiresGrad: true });

function spoilt(x: Tensor): Tensor {
  return x.sqrt(); // NaN for -1, forward and backward
}

function message(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("expected an error");
}

afterEach(() => autograd.setDetectAnomaly(false));

test("the line of the forward call is named", () => {
  const text = message(() => autograd.detectAnomaly(() => spoilt(negative()).mul(2).sum().backward()));
  expect(text).toMatch(/SqrtBackward0 returned NaN in gradient 0/);
  expect(text).toMatch(/Forward call of SqrtBackward0:\n {4}sqrt\(…\)\n/);
  const [first] = text.split("\n").filter((line) => line.includes(" at "));
  expect(first).toContain(`${here}:9:`); // the line in spoilt()
  expect(text).not.toMatch(/lib[\\/]torch[\\/]/);
});

test("fast paths, functions of our own and modules are named, too", () => {
  class Spoil extends torch.Function {
    static forward(_: torch.FunctionContext, x: Tensor): Tensor {
      return x.clone();
    }
    static backward(_: torch.FunctionContext, gradient: Tensor): Tensor {
      return gradient.mul(NaN);
    }
  }
  const x = (): Tensor => torch.ones([2, 2], { requiresGrad: true });
  expect(message(() => autograd.detectAnomaly(() => Spoil.apply(x()).sum().backward()))).toMatch(
    /Forward call of SpoilBackward/,
  );
  const product = x().mul(
    tensor([
      [NaN, 1],
      [1, 1],
    ]),
  );
  expect(() => product.sum().backward()).not.toThrow();
  const text = message(() =>
    autograd.detectAnomaly(() =>
      x()
        .mul(
          tensor([
            [NaN, 1],
            [1, 1],
          ]),
        )
        .sum()
        .backward(),
    ),
  );
  expect(text).toMatch(/Forward call of MulBackward0/);
  const layer = new nn.Linear(2, 2);
  torch.noGrad(() => layer.weight.fill_(NaN));
  expect(message(() => autograd.detectAnomaly(() => layer.forward(x()).sum().backward()))).toMatch(
    /(AddmmBackward0|MmBackward0) returned NaN/,
  );
});

test("every node of an operator that consists of several", () => {
  const x = torch.ones([2, 3, 4], { requiresGrad: true });
  const weight = torch.full([5, 4], NaN);
  expect(message(() => autograd.detectAnomaly(() => torch.matmul(x, weight.T).sum().backward()))).toMatch(
    /Forward call of \w+:\n {4}matmul/,
  );
});

test("operators in place", () => {
  const text = message(() =>
    autograd.detectAnomaly(() => {
      const y = negative().mul(1);
      y.sqrt_();
      y.sum().backward();
    }),
  );
  expect(text).toMatch(/Forward call of SqrtBackward0:\n {4}sqrt_\(…\)/);
});

test("failures are explained as NaN are", () => {
  const text = message(() =>
    autograd.detectAnomaly(() => {
      const x = tensor([1, 2], { requiresGrad: true });
      const y = x.exp();
      y.add_(1);
      y.sum().backward();
    }),
  );
  expect(text).toMatch(/modified by an inplace operation/);
  expect(text).toMatch(/Forward call of ExpBackward0:\n {4}exp\(…\)\n/);
  expect(text).toContain(here);
});

test("without checkNan only failures are errors", () => {
  expect(() => autograd.detectAnomaly(() => spoilt(negative()).sum().backward(), { checkNan: false })).not.toThrow();
});

test("second derivatives name the pass that recorded them", () => {
  const text = message(() =>
    autograd.detectAnomaly(() => {
      const x = tensor([0], { requiresGrad: true });
      const y = x.pow(1.5).sum();
      const [first] = torch.grad(y, x, { createGraph: true }) as [Tensor];
      first
        .mul(tensor([0]))
        .pow(0.5)
        .sum()
        .backward();
    }),
  );
  expect(text).toMatch(/returned NaN/);
});

test("graphs recorded before the mode are not looked at, and the mode ends", () => {
  const y = spoilt(negative()).sum();
  expect(() => autograd.detectAnomaly(() => y.backward({} as never))).toThrow();
  const z = spoilt(negative()).sum();
  expect(() => autograd.detectAnomaly(() => z.backward())).not.toThrow();
  expect(autograd.isAnomalyEnabled()).toBe(false);
  const later = autograd.detectAnomaly(() => spoilt(negative()).sum());
  expect(() => later.backward()).not.toThrow();
});

test("it is switched, and follows async functions", async () => {
  autograd.setDetectAnomaly(true, { checkNan: false });
  expect([autograd.isAnomalyEnabled(), autograd.isAnomalyCheckNanEnabled()]).toEqual([true, false]);
  autograd.setDetectAnomaly(false);
  expect(autograd.isAnomalyEnabled()).toBe(false);
  const seen: boolean[] = [];
  const running = autograd.detectAnomaly(async () => {
    await Promise.resolve();
    seen.push(autograd.isAnomalyEnabled());
  });
  seen.push(autograd.isAnomalyEnabled());
  await running;
  expect(seen).toEqual([false, true]);
});

test.each<[() => unknown, RegExp]>([
  [() => autograd.setDetectAnomaly(1 as never), /expected a boolean for mode/],
  [() => autograd.detectAnomaly(() => 1, { nan: true } as never), /unknown option "nan"/],
  [() => autograd.detectAnomaly(3 as never), /expected a function/],
])("%s", (call, expected) => expect(call).toThrow(expected));
