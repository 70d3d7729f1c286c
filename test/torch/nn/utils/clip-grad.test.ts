import type { Tensor } from "../../../../lib/torch";
import { cat, countTensors, full, nn, randn, scope, tensor, zeros } from "../../../../lib/torch";
import { expectClose as expectNumbers } from "../../helpers";
import { fixtures } from "../fixtures";

const { clipGradNorm_, clipGradsWithNorm_, clipGradValue_, getTotalNorm, parametersToVector, vectorToParameters } =
  nn.utils;

function withGradients(): nn.Parameter[] {
  const parameters = [new nn.Parameter(zeros([3])), new nn.Parameter(zeros([2])), new nn.Parameter(zeros([1]))];
  parameters[0]!.grad = tensor([3, 4, 12]);
  parameters[1]!.grad = tensor([-1, 0.5]);
  return parameters;
}

const gradients = (parameters: Tensor[]): number[] =>
  parameters.flatMap((parameter) => (parameter.grad?.toArray() as number[] | undefined) ?? []);

describe("clipGradsWithNorm_", () => {
  test("scales by the norm that is given, as PyTorch, bit for bit", () => {
    const parameters = [new nn.Parameter(zeros([2])), new nn.Parameter(zeros([1]))];
    parameters[0]!.grad = tensor([3, -4]);
    parameters[1]!.grad = tensor([12]);
    clipGradsWithNorm_(parameters, 2.6, full([], 26));
    // Python: torch.nn.utils.clip_grads_with_norm_(parameters, 2.6, torch.tensor(26.))
    const expected = [0.29999998211860657, -0.3999999761581421, 1.1999999284744263];
    expect(gradients(parameters)).toEqual(expected);
    clipGradsWithNorm_(parameters, 5, full([], 1));
    expect(gradients(parameters)).toEqual(expected);
  });
});

describe("clipGradNorm_", () => {
  test.each([
    ["above", 1, 2],
    ["below", 100, 2],
    ["infinity", 1, Infinity],
    ["one", 1, 1],
  ] as const)("%s: as PyTorch", (name, maxNorm, normType) => {
    const parameters = withGradients();
    const total = Number(clipGradNorm_(parameters, maxNorm, { normType }).item());
    const expected = fixtures.clipping[name]!;
    // Sums of squares, and the products with their root, may round otherwise on another CPU.
    expectNumbers([total], [expected.total], 1e-6);
    expectNumbers(gradients(parameters), expected.grads, 1e-6);
  });

  test("is zero without gradients", () => {
    expect(clipGradNorm_([new nn.Parameter(zeros([2]))], 1).item()).toBe(0);
  });

  test("passes NaN on unless asked to refuse it", () => {
    const parameter = new nn.Parameter(zeros([2]));
    parameter.grad = tensor([NaN, 1]);
    expect(clipGradNorm_(parameter, 1).item()).toBeNaN();
    parameter.grad = tensor([Infinity, 1]);
    expect(() => clipGradNorm_(parameter, 1, { errorIfNonfinite: true })).toThrow(
      "expected a finite number, got Infinity",
    );
  });

  test("leaves nothing but the total", () => {
    const parameters = withGradients();
    scope(() => void gradients(parameters));
    const before = countTensors();
    scope(() => void clipGradNorm_(parameters, 1));
    expect(countTensors()).toBe(before);
  });
});

test("clipGradValue_ limits both sides", () => {
  const parameters = withGradients();
  clipGradValue_(parameters, 0.75);
  expect(gradients(parameters)).toEqual([0.75, 0.75, 0.75, -0.75, 0.5]);
});

describe("getTotalNorm", () => {
  const exact = (tensors: Tensor[]) =>
    Number(
      cat(tensors.map((part) => part.double().flatten()))
        .norm()
        .item(),
    );

  test.each([
    ["large tensors", () => [randn([300, 700]), randn([50_000]), randn([7])]],
    ["transposed ones", () => [randn([300, 700]).t(), randn([40, 30])]],
    ["parts of others", () => [randn([300, 700]).narrow(1, 3, 100), randn([40, 30])]],
    ["mixed types", () => [randn([300, 70]).double(), randn([40, 30])]],
  ] as [string, () => Tensor[]][])("of %s", (_, make) => {
    const tensors = make();
    // What is not dense takes PyTorch's own norms, whose float32 sums are exact to about 1e-6.
    expect(Number(getTotalNorm(tensors).item()) / exact(tensors)).toBeCloseTo(1, 5);
  });

  test("does not overflow where float32 squares do", () => {
    const tensors = [full([1000], 1e25), full([10], 1e25)];
    expect(Number(getTotalNorm(tensors).item()) / (1e25 * Math.sqrt(1010))).toBeCloseTo(1, 6);
  });
});

test("getTotalNorm of nothing is zero", () => {
  expect(getTotalNorm([]).item()).toBe(0);
});

test("parameters to a vector and back", () => {
  const linear = new nn.Linear(2, 2);
  const vector = parametersToVector(linear.parameters());
  expect(vector.shape).toEqual([6]);
  vectorToParameters(tensor([1, 2, 3, 4, 5, 6]), linear.parameters());
  expect([linear.weight.toArray(), linear.bias!.toArray()]).toEqual([
    [
      [1, 2],
      [3, 4],
    ],
    [5, 6],
  ]);
  expect(() => vectorToParameters(zeros([5]), linear.parameters())).toThrow("expected 6 entries, got shape [5]");
});
