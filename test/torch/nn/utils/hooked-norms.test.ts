import { manualSeed, nn } from "../../../../lib/torch";
import { closed, expectPasses, stored } from "./stored";

const { removeSpectralNorm, removeWeightNorm, spectralNorm, weightNorm } = nn.utils;
const options = { dtype: "float64" } as const;

const cases: Record<string, [make: () => nn.Module, shape: number[]]> = {
  "old weightNorm Linear": [() => weightNorm(new nn.Linear(4, 3, options)), [2, 4]],
  "old weightNorm of all": [() => weightNorm(new nn.Linear(4, 3, options), { dim: null }), [2, 4]],
  "old spectralNorm Linear": [() => spectralNorm(new nn.Linear(4, 3, options)), [2, 4]],
  "old spectralNorm ConvTranspose2d": [() => spectralNorm(new nn.ConvTranspose2d(2, 3, 2, options)), [1, 2, 3, 3]],
};

test.each(Object.entries(cases))(
  "%s: initial values, passes, gradients and state as in PyTorch",
  (name, [make, shape]) => {
    manualSeed(3);
    expectPasses(make(), shape, 2, stored.norms[name]!);
  },
);

test.each([
  ["weight", weightNorm, removeWeightNorm],
  ["spectral", spectralNorm, removeSpectralNorm],
])("without its %s norm a layer computes the same", (_, add, remove) => {
  const layer = add(new nn.Linear(4, 3, options)).eval();
  const before = layer.forward(closed([2, 4]));
  remove(layer);
  expect(layer.forward(closed([2, 4]))).toEqual(before);
  expect([...layer.stateDict().keys()].sort()).toEqual(["bias", "weight"]);
  expect(() => remove(layer)).toThrow(/expected a tensor of Linear with (weight|spectral)Norm, got "weight"/);
});

test("a second norm of one weight is refused", () => {
  const layer = weightNorm(new nn.Linear(4, 3));
  expect(() => spectralNorm(layer)).toThrow('expected a tensor without a norm, got "weight"');
});
