/** `torch.func` against PyTorch's own numbers (reference.json, written by record_reference.py), in float64. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as torch from "../../../lib/torch";
import { func, nn, tensor, type Tensor } from "../../../lib/torch";
import { assertClose } from "../../../lib/testing";

const { grad, gradAndValue, hessian, jacfwd, jacrev, jvp, vjp, vmap, functionalCall, stackModuleState } = func;
const reference = JSON.parse(readFileSync(join(__dirname, "reference.json"), "utf8")) as Record<string, never>;

const ramp = (shape: number[], scale = 1): Tensor => {
  const count = shape.reduce((a, b) => a * b, 1);
  const values = Float64Array.from({ length: count }, (_, i) => Math.sin(i * 0.7 * scale));
  return torch.fromTypedArray(values, shape);
};
const W1 = ramp([4, 3]);
const params = { "0.weight": W1, "0.bias": ramp([4], 2), "2.weight": ramp([2, 4], 3), "2.bias": ramp([2], 4) };
const X = ramp([5, 3], 5);
const Y = ramp([5, 2], 6);
const row = (index: number): Tensor => X.index(index);

const model = (): nn.Sequential => {
  const net = new nn.Sequential(
    new nn.Linear(3, 4, { dtype: "float64" }),
    new nn.Tanh(),
    new nn.Linear(4, 2, { dtype: "float64" }),
  );
  net.loadStateDict(params);
  return net;
};
const net = model();
const loss = (p: Record<string, Tensor>, x: Tensor, y: Tensor): Tensor =>
  (functionalCall(net, p, [x]) as Tensor).sub(y).pow(2).mean();
const energy = (x: Tensor): Tensor => x.matmul(W1.T).tanh().pow(3).sum();
const field = (x: Tensor): Tensor => x.matmul(W1.T).sin().mul(x.sum());
const pair = (x: Tensor, y: Tensor): Tensor[] => [x.mul(y.sum()), x.exp().mul(y).cumsum(0)];

const UNARY: Record<string, (x: Tensor) => Tensor> = {
  softmax: (x) => x.softmax(-1),
  layer_norm: (x) => nn.functional.layerNorm(x, [3]),
  matmul: (x) => x.matmul(W1.T),
  cumsum: (x) => x.cumsum(0),
  index: (x) => x.index(tensor([2n, 0n])),
  where: (x) => torch.where(x.gt(0), x, x.mul(-2)),
  gelu: (x) => nn.functional.gelu(x),
  sort: (x) => x.sort({ descending: true })[0],
  max: (x) => x.max(0)[0],
  norm: (x) => torch.linalg.vectorNorm(x),
  outer: (x) => torch.outer(x, x),
  einsum: (x) => torch.einsum("i,ij->j", x, W1.T),
};

/** Compares trees of tensors with nested lists of numbers. */
function close(actual: unknown, expected: unknown): void {
  if (actual instanceof torch.Tensor) {
    assertClose(actual, tensor(expected as number[], { dtype: "float64" }), { rtol: 1e-9, atol: 1e-11 });
    return;
  }
  const entries = Object.entries(actual as object);
  expect(entries.map(([key]) => key)).toEqual(Object.keys(expected as object));
  for (const [key, value] of entries) close(value, (expected as Record<string, unknown>)[key]);
}

describe.each(Object.keys(UNARY))("%s", (name) => {
  test("vmap", () => close(vmap(UNARY[name]!)(X), reference["vmap"]![name]));
  test("vmap of grad", () =>
    close(vmap(grad((x: Tensor) => UNARY[name]!(x).pow(2).sum()))(X), reference["vmapGrad"]![name]));
  test("jvp", () => close(jvp(UNARY[name]!, [row(0)], [row(1)]), reference["jvp"]![name]));
});

test("vmap of a convolution", () => {
  const kernel = ramp([4, 2, 3, 3], 2);
  close(
    vmap((x: Tensor) => nn.functional.conv2d(x.unsqueeze(0), kernel).squeeze(0).sum([1, 2]))(ramp([3, 2, 5, 5])),
    reference["conv"],
  );
});

test("per-sample gradients of a module", () =>
  close(vmap(grad(loss), { inDims: [null, 0, 0] })(params, X, Y), reference["perSample"]));

test("gradAndValue", () => close(gradAndValue(loss)(params, X, Y), reference["gradAndValue"]));

test("grad by several arguments", () =>
  close(grad((x: Tensor, y: Tensor) => x.mul(y.exp()).sum(), [1, 0])(row(0), row(1)), reference["argnums"]));

test("vjp, whose function outlives the call", () => {
  const [, pullback] = torch.scope(() => vjp(pair, [row(0), row(1)]));
  close(pullback([row(2), row(3)]), reference["vjp"]);
});

test("jacrev and jacfwd", () => {
  close(jacrev(field)(row(0)), reference["jacrev"]);
  close(jacfwd(field)(row(0)), reference["jacfwd"]);
  close(jacrev(field, { chunkSize: 3 })(row(0)), reference["jacrev"]);
});

test("jacrev and jacfwd of several results by several arguments", () => {
  close(jacrev(pair, [0, 1])(row(0), row(1)), reference["jacrevPair"]);
  close(jacfwd(pair, [0, 1])(row(0), row(1)), reference["jacfwdPair"]);
});

test("hessian", () => {
  close(hessian(energy)(row(0)), reference["hessian"]);
  close(
    hessian((x: Tensor, y: Tensor) => x.mul(y.exp()).sin().sum(), [0, 1])(row(0), row(1)),
    reference["hessianPair"],
  );
});

test("third derivatives", () => close(jacfwd(jacfwd(jacrev(energy)))(row(0)), reference["third"]));

test("hessians of a batch", () => close(vmap(hessian(energy))(X), reference["batchedHessian"]));

test("an ensemble of modules", () => {
  const models = [model(), model()];
  torch.noGrad(() => {
    for (const parameter of models[1]!.parameters()) parameter.mul_(-0.5);
  });
  const [parameters, buffers] = stackModuleState(models);
  const each = vmap(
    (p: Record<string, Tensor>, b: Record<string, Tensor>, x: Tensor) => functionalCall(net, [p, b], [x]) as Tensor,
    { inDims: [0, 0, null] },
  );
  close(each(parameters, buffers, X), reference["ensemble"]);
  expect(Object.values(parameters).every((parameter) => parameter.requiresGrad && parameter.isLeaf)).toBe(true);
});

test("auxiliary results are handed on", () => {
  const withAux = (x: Tensor): [Tensor, Tensor] => [x.pow(2).sum(), x.mul(3)];
  const x = row(0);
  close(grad(withAux, { hasAux: true })(x), [x.mul(2).tolist(), x.mul(3).tolist()]);
  close(gradAndValue(withAux, { hasAux: true })(x), [x.mul(2).tolist(), [x.pow(2).sum().tolist(), x.mul(3).tolist()]]);
  const vector = (each: Tensor): [Tensor, Tensor] => [each.pow(2), each.mul(3)];
  const diagonal = torch.diag(x.mul(2)).tolist();
  close(jacrev(vector, { hasAux: true })(x), [diagonal, x.mul(3).tolist()]);
  close(jvp(vector, [x], [torch.onesLike(x)], { hasAux: true })[2], x.mul(3).tolist());
});

test("values are there inside of grad and jvp, as numbers too", () => {
  const scaled = (x: Tensor): Tensor => x.mul(x.sum().item()).sum();
  const x = row(0);
  const sum = x.sum().item();
  close(grad(scaled)(x), x.mul(0).add(sum).tolist());
  grad((v: Tensor) => {
    expect(v.tolist()).toEqual(x.tolist());
    expect(v.sharedData()).toBeNull();
    return v.sum();
  })(x);
});
