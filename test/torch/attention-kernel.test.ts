/** The native attention operator against PyTorch's formula in float64; on machines without its kernel it is PyTorch's own. */
import { autocast, grad, manualSeed, noGrad, ops, randn, softmax } from "../../lib/torch";
import type { Tensor } from "../../lib/torch";
import { relative } from "./helpers";

const attention = (q: Tensor, k: Tensor, v: Tensor) => ops.call("noether::attention", q, k, v) as Tensor;
const reference = (q: Tensor, k: Tensor, v: Tensor) => softmax(q.matmul(k.transpose(-1, -2)).div(8), -1).matmul(v);

/** (B, H, N, 64) as a view of (B, N, H, 64), as blocks have it. */
const heads = (batch: number, count: number, tokens: number) => randn([batch, tokens, count, 64]).transpose(1, 2);

describe("noether::attention", () => {
  it.each([
    [1, 3, 64, 128],
    [2, 3, 77, 200],
    [1, 2, 300, 777],
    [2, 1, 97, 333],
    [1, 2, 40, 50],
  ])("equals the formula for %i x %i heads, %i queries, %i keys", (batch, count, queries, keys) => {
    manualSeed(queries);
    const inputs = [heads(batch, count, queries), heads(batch, count, keys), heads(batch, count, keys)];
    const weight = heads(batch, count, queries);
    const run = (f: typeof attention, tensors: Tensor[], weights: Tensor) => {
      const [q, k, v] = tensors.map((tensor) => tensor.detach().requiresGrad_()) as [Tensor, Tensor, Tensor];
      const out = f(q, k, v);
      out.mul(weights).sum().backward();
      return [out, q.grad!, k.grad!, v.grad!];
    };
    const expected = run(
      reference,
      inputs.map((tensor) => tensor.double()),
      weight.double(),
    );
    run(attention, inputs, weight).forEach((value, i) => expect(relative(value, expected[i]!)).toBeLessThan(3e-6));
    const halves = run(
      attention,
      inputs.map((tensor) => tensor.to("bfloat16")),
      weight.to("bfloat16"),
    );
    halves.forEach((value, i) => expect(relative(value, expected[i]!)).toBeLessThan(2e-2));
  });

  it("stays finite with large logits", () => {
    const q = heads(1, 1, 64).mul(30);
    const k = heads(1, 1, 200).mul(30);
    const v = heads(1, 1, 200);
    expect(relative(attention(q, k, v), reference(q.double(), k.double(), v.double()))).toBeLessThan(1e-4);
  });

  it("with infinite entries is PyTorch's", () => {
    const [q, k, v] = [heads(1, 1, 64), heads(1, 1, 200), heads(1, 1, 200)];
    k.index(0, 0, 7, 3).fill_(-Infinity); // weight 0 for queries that are positive there, as its logit is -infinity
    const [actual, expected] = [attention(q, k, v), reference(q, k, v)];
    expect(actual.isfinite().equal(expected.isfinite())).toBe(true);
    expect(Number(actual.isfinite().sum().item())).toBeGreaterThan(0);
  });

  it("has exact gradients of queries where weights are nearly equal", () => {
    manualSeed(7);
    // 16 channels: no kernel of our own. The keys are large, their differences small, as for tokens of an untrained model.
    const inputs = [heads(1, 2, 40).mul(0.1), heads(1, 2, 60).mul(0.1).add(10), heads(1, 2, 60).add(10)];
    const few = inputs.map((tensor) => tensor.narrow(3, 0, 16));
    const weight = heads(1, 2, 40).narrow(3, 0, 16);
    const gradient = (dtype: "float32" | "float64") => {
      const [q, k, v] = few.map((tensor) => tensor.to(dtype)) as [Tensor, Tensor, Tensor];
      const leaf = q.detach().requiresGrad_();
      return (grad([attention(leaf, k, v).mul(weight.to(dtype)).sum()], [leaf]) as [Tensor])[0];
    };
    // 1e-3 with keys as they are: their mean is a hundred times as large as their differences.
    expect(relative(gradient("float32"), gradient("float64"))).toBeLessThan(2e-5);
  });

  it("lies in memory as merging the heads wants it", () => {
    const out = noGrad(() => attention(heads(2, 3, 128), heads(2, 3, 128), heads(2, 3, 128)));
    expect(out.transpose(1, 2).isContiguous()).toBe(true);
  });

  it("runs in the lower precision under autocast", () => {
    const run = () => attention(heads(1, 1, 128), heads(1, 1, 128), heads(1, 1, 128));
    expect(autocast({ deviceType: "cpu", dtype: "bfloat16" }, run).dtype).toBe("bfloat16");
  });

  it.each([64, 16])("has gradients of gradients with %i channels", (channels) => {
    const part = (tokens: number) => heads(1, 1, tokens).narrow(3, 0, channels);
    const q = part(64).requiresGrad_();
    const [k, v] = [part(128), part(128)];
    const formula = (...[a, b, c]: Parameters<typeof attention>) =>
      softmax(a.matmul(b.transpose(-1, -2)).div(Math.sqrt(channels)), -1).matmul(c);
    const second = (f: typeof attention) => {
      const [first] = grad([f(q, k, v).square().sum()], [q], { createGraph: true }) as [Tensor];
      return (grad([first.square().sum()], [q]) as [Tensor])[0];
    };
    expect(relative(second(attention), second(formula).double())).toBeLessThan(1e-4);
  });
});
