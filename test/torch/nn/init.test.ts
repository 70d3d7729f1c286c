import { empty, manualSeed, nn, type Tensor } from "../../../lib/torch";
import { expectAll, stored } from "./utils/stored";

const cases: Record<string, () => Tensor> = {
  dirac: () => nn.init.dirac_(empty([4, 3, 3])),
  "dirac in groups": () => nn.init.dirac_(empty([6, 2, 3, 4]), 3),
  "dirac wide": () => nn.init.dirac_(empty([2, 5, 1, 2, 3])),
  sparse: () => nn.init.sparse_(empty([7, 4]), 0.4),
  "sparse with std": () => nn.init.sparse_(empty([5, 3]), 0.1, 2),
};

test.each(Object.entries(cases))("%s: the values of PyTorch for this seed", (name, make) => {
  manualSeed(3);
  expectAll({ [name]: make() }, { [name]: stored.inits[name]! }, 1e-6);
});

test("shapes and shares that cannot be are refused", () => {
  expect(() => nn.init.dirac_(empty([2, 2]))).toThrow("expected a tensor of 3, 4 or 5 dimensions, got shape [2, 2]");
  expect(() => nn.init.dirac_(empty([4, 2, 3]), 3)).toThrow("in 3 groups, got 4");
  expect(() => nn.init.sparse_(empty([2]), 0.5)).toThrow("expected a tensor of 2 dimensions");
  expect(() => nn.init.sparse_(empty([2, 2]), 2)).toThrow("expected a probability between 0 and 1 for sparsity, got 2");
});
