import { readFileSync } from "node:fs";
import { join } from "node:path";
import { nn, tensor, type Tensor } from "../../../lib/torch";
import { expectClose, toTensor, type Stored } from "./fixtures";

const F = nn.functional;
/** Made by fixtures/make_weighted.py. */
const expected = JSON.parse(readFileSync(join(__dirname, "fixtures/weighted.json"), "utf8")) as {
  x: Stored;
  y: Stored;
  w: Stored;
  losses: Record<string, { value: Stored; grad: Stored }>;
  embedding: Record<"result" | "table" | "result_norm1" | "table_norm1", Stored> &
    Record<"printed" | "printed_max_norm", string>;
};
const [y, weight] = [toTensor(expected.y), toTensor(expected.w)];

const losses: Record<string, (x: Tensor, reduction: "none" | "mean" | "sum") => Tensor> = {
  mse: (x, reduction) => F.mseLoss(x, y, { reduction, weight }),
  l1: (x, reduction) => F.l1Loss(x, y, { reduction, weight }),
  huber: (x, reduction) => F.huberLoss(x, y, { reduction, weight, delta: 0.4 }),
};

describe.each(["none", "mean", "sum"] as const)("weighted losses, reduction %s", (reduction) => {
  test.each(Object.keys(losses))("%s and its gradient as in PyTorch", (name) => {
    const x = toTensor(expected.x).requiresGrad_();
    const loss = losses[name]!(x, reduction);
    const { value, grad } = expected.losses[`${name}_${reduction}`]!;
    expectClose(loss, value, 1e-14);
    loss.sum().backward();
    expectClose(x.grad!, grad, 1e-14);
  });
});

describe("maxNorm of embeddings", () => {
  const table = (): Tensor =>
    tensor(
      [
        [3, 4],
        [0.3, 0.4],
        [-6, 8],
        [1, 1],
      ],
      { dtype: "float64" },
    );

  test("scales the rows that are looked up down in the table itself, as in PyTorch", () => {
    const weight = table();
    expectClose(F.embedding(tensor([2n, 1n, 2n]), weight, { maxNorm: 1.5 }), expected.embedding.result, 1e-14);
    expectClose(weight, expected.embedding.table, 1e-14);
  });

  test("measures with normType", () => {
    const weight = table();
    expectClose(
      F.embedding(tensor([0n]), weight, { maxNorm: 1.5, normType: 1 }),
      expected.embedding.result_norm1,
      1e-14,
    );
    expectClose(weight, expected.embedding.table_norm1, 1e-14);
  });

  test("a module passes its options on, and prints them", () => {
    const layer = new nn.Embedding(4, 2, { maxNorm: 1.5, dtype: "float64" });
    layer.loadStateDict({ weight: table() });
    expectClose(layer.forward(tensor([2n, 1n, 2n])), expected.embedding.result, 1e-14);
    expect(String(new nn.Embedding(3, 2, { paddingIdx: 1, maxNorm: 1.5, normType: 1, scaleGradByFreq: true }))).toBe(
      expected.embedding.printed,
    );
    expect(String(new nn.Embedding(3, 2, { maxNorm: 2 }))).toBe(expected.embedding.printed_max_norm);
  });
});
