import { deepcopy, manualSeed, nn, tensor, type Tensor, zeros } from "../../../../lib/torch";
import { closed, expectAll, expectPasses, stored } from "./stored";

const { parametrizations } = nn.utils;
const options = { dtype: "float64" } as const;

const norms: Record<string, [make: () => nn.Module, shape: number[]]> = {
  "weightNorm Linear": [() => parametrizations.weightNorm(new nn.Linear(4, 3, options)), [2, 4]],
  "weightNorm Conv2d": [() => parametrizations.weightNorm(new nn.Conv2d(2, 3, 2, options), { dim: 1 }), [1, 2, 4, 3]],
  "weightNorm of all": [() => parametrizations.weightNorm(new nn.Linear(4, 3, options), "weight", null), [2, 4]],
  "weightNorm LSTM": [() => parametrizations.weightNorm(new nn.LSTM(3, 2, options), "weightHhL0"), [4, 3]],
  "spectralNorm Linear": [() => parametrizations.spectralNorm(new nn.Linear(4, 3, options)), [2, 4]],
  "spectralNorm ConvTranspose2d": [
    () => parametrizations.spectralNorm(new nn.ConvTranspose2d(2, 3, 2, options), { nPowerIterations: 2 }),
    [1, 2, 3, 3],
  ],
  "spectralNorm of a vector": [() => parametrizations.spectralNorm(new nn.Linear(4, 3, options), "bias"), [2, 4]],
  "orthogonal square": [() => parametrizations.orthogonal(new nn.Linear(4, 4, options)), [2, 4]],
  "orthogonal tall": [() => parametrizations.orthogonal(new nn.Linear(3, 5, options)), [2, 3]],
  "orthogonal wide": [
    () => parametrizations.orthogonal(new nn.Linear(5, 3, options), { orthogonalMap: "cayley" }),
    [2, 5],
  ],
  "orthogonal exponential": [
    () =>
      parametrizations.orthogonal(new nn.Linear(3, 5, options), "weight", "matrix_exp", { useTrivialization: false }),
    [2, 3],
  ],
  "orthogonal householder": [
    () =>
      parametrizations.orthogonal(new nn.Linear(3, 5, options), {
        orthogonalMap: "householder",
        useTrivialization: false,
      }),
    [2, 3],
  ],
};

test.each(Object.entries(norms))(
  "%s: initial values, passes, gradients and state as in PyTorch",
  (name, [make, shape]) => {
    manualSeed(3);
    expectPasses(make(), shape, 2, stored.norms[name]!);
  },
);

const older: [name: string, old: string, make: () => nn.Module][] = [
  ["weightNorm", "old weightNorm Linear", () => parametrizations.weightNorm(new nn.Linear(4, 3, options))],
  ["spectralNorm", "old spectralNorm Linear", () => parametrizations.spectralNorm(new nn.Linear(4, 3, options))],
];

test.each(older)("%s loads the keys of PyTorch's older function", (_, old, make) => {
  const { state, evaluated } = stored.norms[old]!;
  const weights = Object.entries(state).map(([name, { data, shape }]): [string, Tensor] => [
    `0.${name}`,
    tensor(data, options).reshape(shape),
  ]);
  const model = new nn.Sequential(make() as nn.Linear).eval();
  const given = new Map(weights);
  expect(model.loadStateDict(given)).toEqual({ missingKeys: [], unexpectedKeys: [] });
  expect([...given.keys()]).toEqual(weights.map(([name]) => name));
  expectAll({ evaluated: model.forward(closed([2, 4])) }, { evaluated });
});

test("an assignment to a weight with orthogonal stores a base, and what is not orthogonal is made so", () => {
  const layer = parametrizations.orthogonal(new nn.Linear(3, 3, options));
  const turned = tensor([0, 1, 0, 1, 0, 0, 0, 0, 1], options).reshape([3, 3]);
  layer.weight = turned as nn.Parameter;
  expect(layer.weight.allclose(turned)).toBe(true);
  layer.weight = turned.mul(2) as nn.Parameter;
  expect(layer.weight.matmul(layer.weight.mT).allclose(tensor([1, 1, 1], options).diag())).toBe(true);
});

test("what cannot be is refused before the module changes", () => {
  const layer = new nn.Linear(3, 3);
  expect(() => parametrizations.spectralNorm(layer, "weight", 1, 1e-12, 2)).toThrow("expected a dim in [-2, 1], got 2");
  expect(() => parametrizations.weightNorm(layer, "wieght")).toThrow(
    'expected the name of a tensor of Linear, got "wieght"',
  );
  expect(() => parametrizations.orthogonal(layer, { orthogonalMap: "caley" as "cayley" })).toThrow(
    'did you mean "cayley"?',
  );
  expect(() => parametrizations.orthogonal(layer, "bias")).toThrow("expected a matrix or a stack of them");
  expect([...layer.stateDict().keys()]).toEqual(["weight", "bias"]);
});

test("a copy has vectors of its own", () => {
  const layer = parametrizations.spectralNorm(new nn.Linear(3, 2));
  const copy = deepcopy(layer);
  const before = copy.stateDict().get("parametrizations.weight.0._u")!.clone();
  layer.forward(zeros([1, 3]));
  expect(copy.stateDict().get("parametrizations.weight.0._u")!.equal(before)).toBe(true);
  expect(String(copy)).toBe(String(layer));
});
