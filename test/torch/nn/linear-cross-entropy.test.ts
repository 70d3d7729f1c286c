import { manualSeed, nn, ones, tensor, zeros } from "../../../lib/torch";
import { closed, expectAll, stored, weighted } from "./utils/stored";

const options = { dtype: "float64" } as const;

test.each<[string, () => nn.LinearCrossEntropyLoss, (number | number[])[]]>([
  ["LinearCrossEntropyLoss", () => new nn.LinearCrossEntropyLoss(3, 4, options), [1, 3]],
  [
    "LinearCrossEntropyLoss of options",
    () =>
      new nn.LinearCrossEntropyLoss(3, 4, {
        ...options,
        bias: true,
        reduction: "none",
        weight: closed([4]).abs(),
        ignoreIndex: 3,
        labelSmoothing: 0.1,
      }),
    [1, 3],
  ],
  [
    "LinearCrossEntropyLoss of more",
    () => new nn.LinearCrossEntropyLoss(3, 4, { ...options, outFeatures: [2], bias: true }),
    [
      [1, 3],
      [0, 2],
    ],
  ],
])("%s: initial values, loss, gradient and text as in PyTorch", (name, make, target) => {
  const { output, grad, state, printed } = stored.classes[name]!;
  manualSeed(3);
  const module = make();
  const x = closed([2, 3]).requiresGrad_();
  const loss = module.forward(x, tensor(target, { dtype: "int64" }));
  weighted(loss).backward();
  expectAll({ output: loss, grad: x.grad! }, { output, grad });
  expectAll(Object.fromEntries(module.stateDict()), state);
  expect(String(module)).toBe(printed);
});

test("shapes that do not fit are refused", () => {
  const { linearCrossEntropy } = nn.functional;
  const target = tensor([0n, 1n]);
  expect(() => linearCrossEntropy(ones([2, 3]), ones([4, 5]), target)).toThrow(
    "expected linearWeight for 3 features, got shape [4, 5]",
  );
  expect(() => linearCrossEntropy(ones([2, 3]), ones([4, 3]), target, { linearBias: zeros([3]) })).toThrow(
    "expected linearBias of shape [4], got [3]",
  );
  expect(() => linearCrossEntropy(ones([3]), ones([4, 2, 3]), target)).toThrow("expected a batch");
  expect(() => linearCrossEntropy(ones([2, 3]), ones([4, 3]), ones([2, 4]), { ignoreIndex: 1 })).toThrow(
    "expected no ignoreIndex for a target of probabilities",
  );
  expect(() => new nn.LinearCrossEntropyLoss(3, 4, { weight: ones([3]) })).toThrow(
    "expected a weight of shape [4], got [3]",
  );
});
