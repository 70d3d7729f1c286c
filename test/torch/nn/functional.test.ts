import type { Tensor } from "../../../lib/torch";
import { nn, tensor } from "../../../lib/torch";
import { expectClose, fixtures, toTensor } from "./fixtures";

const F = nn.functional;
const input = (name: string): Tensor => toTensor(fixtures.inputs[name]!);
const x = input("x");
const y = input("y");
const [q, k, v] = [input("q"), input("k"), input("v")];
const classes = tensor([
  [0n, 2n, 1n, 1n, 0n],
  [1n, 1n, 2n, 0n, 2n],
]);

const results: Record<string, () => Tensor> = {
  mse: () => F.mseLoss(x, y),
  mse_sum: () => F.mseLoss(x, y, { reduction: "sum" }),
  mse_none: () => F.mseLoss(x, y, { reduction: "none" }),
  l1: () => F.l1Loss(x, y),
  smooth_l1: () => F.smoothL1Loss(x, y, { beta: 0.5 }),
  smooth_l1_beta_0: () => F.smoothL1Loss(x, y, { beta: 0 }),
  huber: () => F.huberLoss(x, y, { delta: 0.7 }),
  cross_entropy: () => F.crossEntropy(x, classes, { labelSmoothing: 0.1 }),
  cross_entropy_weighted: () =>
    F.crossEntropy(x, classes, { weight: tensor([0.2, 1, 3], { dtype: "float64" }), ignoreIndex: 1 }),
  bce_logits: () => F.binaryCrossEntropyWithLogits(x, y.sigmoid()),
  attention: () => F.scaledDotProductAttention(q, k, v),
  attention_causal: () => F.scaledDotProductAttention(q, k, v, { isCausal: true, scale: 0.3 }),
  normalize: () => F.normalize(x, 2, -1),
  normalize_l1: () => F.normalize(x, 1),
  pad: () => F.pad(x, [1, 2, 0, 1], "constant", 3),
  pad_circular: () => F.pad(x, [2, 1], "circular"),
  pad_reflect: () => F.pad(x, [1, 1], "reflect"),
  interpolate_nearest: () => F.interpolate(x, { scaleFactor: 2 }),
  interpolate_linear: () => F.interpolate(x, { size: 7, mode: "linear" }),
  interpolate_bilinear: () => F.interpolate(input("image"), { size: [6, 5], mode: "bilinear", alignCorners: true }),
  one_hot: () => F.oneHot(classes, 4),
  batch_norm_eval: () => F.batchNorm(x, input("running_mean"), input("running_var"), input("weight"), input("bias")),
  softplus: () => F.softplus(x, 2, 1),
  elu: () => F.elu(x, 0.7),
  leaky_relu: () => F.leakyRelu(x, 0.2),
  gelu_tanh: () => F.gelu(x, { approximate: "tanh" }),
  conv1d_same: () => F.conv1d(x, input("kernel"), null, 1, "same"),
};

test.each(Object.keys(results))("%s as in PyTorch", (name) => {
  expectClose(results[name]!(), fixtures.functional[name]!, 1e-13);
});

test("batchNorm updates the running statistics while training", () => {
  const [mean, variance] = [input("running_mean"), input("running_var")];
  const output = F.batchNorm(x, mean, variance, input("weight"), input("bias"), true, 0.2);
  expectClose(output, fixtures.functional.batch_norm_train!, 1e-13);
  expectClose(mean, fixtures.functional.batch_norm_mean!, 1e-13);
  expectClose(variance, fixtures.functional.batch_norm_var!, 1e-13);
});

test("a loss warns when it broadcasts", () => {
  const warn = jest.spyOn(process, "emitWarning").mockImplementation(() => undefined);
  F.mseLoss(tensor([[1], [2]]), tensor([1, 2]));
  expect(warn).toHaveBeenCalledWith(
    "mseLoss: the target's shape [2] differs from the input's [2, 1]; they are broadcast",
    "TorchWarning",
  );
  warn.mockRestore();
});

test("an unknown reduction is named", () => {
  expect(() => F.mseLoss(x, y, { reduction: "max" as "mean" })).toThrow(
    'mseLoss: expected a reduction "none", "mean" or "sum", got "max"',
  );
});

test("interpolate wants either a size or a factor, and a mode that fits", () => {
  expect(() => F.interpolate(x, {})).toThrow("expected either size or scaleFactor, got both or neither");
  expect(() => F.interpolate(x, { size: 3, mode: "bilinear" })).toThrow('fits mode "bilinear", got shape [2, 3, 5]');
});

test("embedding counts a negative padding index from the end", () => {
  const weight = tensor([[1], [2], [3]]).requiresGrad_();
  F.embedding(tensor([0n, 2n]), weight, { paddingIdx: -1 })
    .sum()
    .backward();
  expect(weight.grad!.toArray()).toEqual([[1], [0], [0]]);
});
