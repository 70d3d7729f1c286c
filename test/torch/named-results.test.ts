import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { deepcopy, linalg, load, ops, save, scope, svd, tensor, type Tensor, zeros } from "../../lib/torch";
import { native } from "../../lib/torch/addon";
import { namedResult } from "../../scripts/operators/emit";
import { camelCase, parseSchema } from "../../lib/torch/schema";

const names = JSON.parse(readFileSync(join(__dirname, "fixtures/return-types.json"), "utf8")) as Record<
  string,
  string[]
>;
const x = tensor([
  [3, 1, 2],
  [4, 6, 5],
]);

test("every operator whose result has names in PyTorch has them here", () => {
  const schemas = native.schemas().map(({ schema }) => parseSchema(schema));
  for (const [operator, keys] of Object.entries(names)) {
    const found = schemas
      .filter(({ name }) => name === `aten::${operator}`)
      .flatMap((schema) => namedResult(schema)?.keys.join() ?? []);
    expect([operator, [...new Set(found)]]).toEqual([operator, [keys.map(camelCase).join()]]);
  }
});

test.each<[string, () => Tensor[]]>([
  ["by position", () => [...x.max(1)]],
  ["destructured by position", () => { const [values, indices] = x.max(1); return [values, indices]; }],
  ["by name", () => { const { values, indices } = x.max(1); return [values, indices]; }],
  ["as properties", () => [x.max(1).values, x.max(1).indices]],
  ["with options", () => { const { values, indices } = x.max(1, { keepdim: true }); return [values.squeeze(1), indices.squeeze(1)]; }],
  ["all by name", () => { const { values, indices } = x.max({ dim: 1 }); return [values, indices]; }],
  ["by its exact overload", () => { const { values, indices } = ops.call("aten::max.dim", x, 1) as { values: Tensor; indices: Tensor }; return [values, indices]; }],
])("values and indices of a maximum, %s", (_, parts) => {
  expect(parts().map((part) => part.toArray())).toEqual([[3, 6], [0, 1]]);
}); // prettier-ignore

test("the variable keeps the type of a tensor", () => {
  let best = x.max(1).values;
  best = best.mul(2);
  expect(best.toArray()).toEqual([6, 12]);
});

test("operators with other names", () => {
  const { U, S, Vh } = linalg.svd(x, false);
  expect(U.mul(S).matmul(Vh).allclose(x)).toBe(true);
  expect(svd(x).V.allclose(Vh.mT)).toBe(true);
  const { sign, logabsdet } = linalg.slogdet(tensor([[2, 0], [0, -3]])); // prettier-ignore
  expect([sign.item(), logabsdet.item()]).toEqual([-1, Math.fround(Math.log(6))]);
  const { hist, binEdges } = x.flatten().histogram(2);
  expect([hist.toArray(), binEdges.toArray()]).toEqual([[3, 3], [1, 3.5, 6]]); // prettier-ignore
  expect(x.topk(1).values.toArray()).toEqual([[3], [6]]);
  expect(x.sort({ descending: true }).indices.toArray()).toEqual([[0, 2, 1], [1, 2, 0]]); // prettier-ignore
  expect([x.aminmax().min.item(), x.aminmax().max.item()]).toEqual([1, 6]);
});

test("out is what the names give", () => {
  const out = [zeros([2]), zeros([2]).long()] as [Tensor, Tensor];
  expect(x.max(1, false, { out }).values).toBe(out[0]);
});

test("a result is an array like any other", () => {
  const result = x.max(1);
  expect(Array.isArray(result)).toBe(true);
  expect(result).toEqual([tensor([3, 6]), tensor([0n, 1n])]);
  expect(Object.keys(result)).toEqual(["0", "1"]);
  expect(result.map((part: Tensor) => part.shape)).toEqual([[2], [2]]);
  expect(inspect(result)).toBe("[ tensor([3., 6.]), tensor([0, 1]) ]");
});

test("a scope hands it out whole, with its names", () => {
  const { values } = scope(() => x.max(1));
  expect(values.toArray()).toEqual([3, 6]);
});

test("copies keep the names; files hold a list", () => {
  expect(deepcopy(x.max(1)).values.toArray()).toEqual([3, 6]);
  const folder = mkdtempSync(join(tmpdir(), "noether-test-"));
  save({ best: x.max(1) }, join(folder, "result.pt"));
  expect(load(join(folder, "result.pt"))).toEqual({ best: [tensor([3, 6]), tensor([0n, 1n])] });
  rmSync(folder, { recursive: true });
});
