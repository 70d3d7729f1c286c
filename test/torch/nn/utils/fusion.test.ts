import { manualSeed, nn, noGrad } from "../../../../lib/torch";
import { closed, expectAll, stored } from "./stored";

const { fuseConvBnEval, fuseLinearBnEval } = nn.utils;
const options = { dtype: "float64" } as const;

function trained<Norm extends nn.BatchNorm1d | nn.BatchNorm2d>(norm: Norm): Norm {
  noGrad(() => {
    norm.runningMean!.copy_(closed([3], 0).mul(0.3).add(1.2));
    norm.runningVar!.copy_(closed([3], 2).mul(0.3).add(1.2));
    norm.weight!.copy_(closed([3], 3));
    norm.bias!.copy_(closed([3], 4));
  });
  norm.eval();
  return norm;
}

describe("a layer that does what the batch norm behind it did: weights as in PyTorch", () => {
  beforeEach(() => void manualSeed(3));

  test("Linear", () => {
    const linear = new nn.Linear(4, 3, { bias: false, ...options }).eval();
    const norm = trained(new nn.BatchNorm1d(3, options));
    const fused = fuseLinearBnEval(linear, norm);
    expectAll(Object.fromEntries(fused.stateDict()), stored.fusions["Linear"]!);
    const x = closed([2, 4]);
    expect(fused.forward(x).allclose(norm.forward(linear.forward(x)))).toBe(true);
    expect(linear.bias).toBeNull();
  });

  test("Conv1d", () => {
    const fused = fuseConvBnEval(new nn.Conv1d(2, 3, 2, options).eval(), trained(new nn.BatchNorm1d(3, options)));
    expectAll(Object.fromEntries(fused.stateDict()), stored.fusions["Conv1d"]!);
  });

  test("ConvTranspose2d", () => {
    const conv = new nn.ConvTranspose2d(2, 3, 2, options).eval();
    const fused = fuseConvBnEval(conv, trained(new nn.BatchNorm2d(3, options)), { transpose: true });
    expectAll(Object.fromEntries(fused.stateDict()), stored.fusions["ConvTranspose2d"]!);
  });
});

test("modules that train, and a norm without statistics, are refused", () => {
  const linear = new nn.Linear(2, 3);
  expect(() => fuseLinearBnEval(linear, new nn.BatchNorm1d(3))).toThrow("expected both modules in evaluation mode");
  const without = new nn.BatchNorm1d(3, { trackRunningStats: false }).eval();
  expect(() => fuseLinearBnEval(linear.eval(), without)).toThrow("expected a batch norm with running statistics");
  expect(() => fuseLinearBnEval(linear, new nn.BatchNorm1d(2).eval())).toThrow("of 3 features or 1, got 2");
});
