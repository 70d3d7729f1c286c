/**
 * Operators of our own read tensors from memory (`native/src/ops/dense.h`). Values that do not stand there as they are, lazily
 * negated ones and zeros without memory, have to give what a copy with plain memory gives.
 */
import { gelu, manualSeed, ones, ops, rand, randn, zeros, type Tensor } from "../../lib/torch";

type Run = (tensors: Tensor[]) => Tensor;

const differentiable: [name: string, run: Run, make: () => Tensor[]][] = [
  ["matmul", ([a, b]) => ops.call("noether::matmul", a, b) as Tensor, () => [randn([200, 100]), randn([100, 64])]],
  [
    "linear",
    ([x, weight, bias]) => ops.call("noether::linear", x, weight, bias) as Tensor,
    () => [randn([200, 100]), randn([64, 100]), randn([64])],
  ],
  ["gelu", ([x]) => gelu(x!), () => [randn([300, 300])]],
  [
    "attention",
    ([q, k, v]) => ops.call("noether::attention", q, k, v) as Tensor,
    () => [1, 2, 3].map(() => randn([1, 2, 200, 64])),
  ],
  [
    "rotate",
    ([x, cos, sin]) => ops.call("noether::rotate", x, cos, sin, 1) as Tensor,
    () => [randn([2, 3, 50, 16]), rand([2, 50, 8]), rand([2, 50, 8])],
  ],
];
const others: typeof differentiable = [
  ["total_norm", (tensors) => ops.call("noether::total_norm", tensors) as Tensor, () => [randn([500]), randn([70])]],
  [
    "lion_",
    ([gradient, average]) => {
      const [parameter, state] = [ones(gradient!.shape), average!.clone()];
      ops.call("noether::lion_", [parameter], [gradient!], [state], 0.1, 0.9, 0.99, 0.1);
      return parameter.add(state);
    },
    () => [randn([100]), randn([100])],
  ],
];

/** Tensors of the shape of another, whose values are not in their memory. */
const forms: [name: string, form: (plain: Tensor) => Tensor][] = [
  ["lazily negated", (plain) => ops.call("aten::_neg_view", plain) as Tensor],
  [
    "zero, without memory",
    ({ shape }) => ops.call("aten::_efficientzerotensor", shape, { dtype: "float32" }) as Tensor,
  ],
];

/** Another kernel may take the odd form, and round its sums of up to 200 terms differently; what is read wrongly is off by about 1. */
const tolerance = 1e-4;

/** The same values in memory of their own. */
const copied = (odd: Tensor): Tensor => zeros(odd.shape).add(odd);
const replaced = (list: Tensor[], place: number, by: Tensor): Tensor[] =>
  list.map((tensor, index) => (index === place ? by : tensor));

describe.each([...differentiable, ...others])("%s", (_, run, make) => {
  it.each(forms)("takes a tensor that is %s, in each place", (_, form) => {
    manualSeed(1);
    const inputs = make();
    inputs.forEach((input, place) => {
      const odd = form(input);
      const [out, expected] = [odd, copied(odd)].map((tensor) => run(replaced(inputs, place, tensor)));
      expect(out!.allclose(expected!, tolerance, tolerance)).toBe(true);
    });
  });
});

describe.each(differentiable)("%s with a gradient recorded", (_, run, make) => {
  it.each(forms)("takes a tensor that is %s, in each place", (_, form) => {
    manualSeed(1);
    const inputs = make();
    inputs.forEach((input, place) => {
      const odd = form(input);
      const [gradients, expected] = [odd, copied(odd)].map((tensor) => {
        const leaves = inputs.map((other) => other.detach().clone().requiresGrad_());
        const leaf = tensor.detach().requiresGrad_();
        run(replaced(leaves, place, leaf))
          .sum()
          .backward();
        return replaced(leaves, place, leaf).map(({ grad }) => grad!);
      });
      gradients!.forEach((gradient, index) => {
        expect(gradient.allclose(expected![index]!, tolerance, tolerance)).toBe(true);
      });
    });
  });

  it.each(forms)("takes a gradient that is %s", (_, form) => {
    manualSeed(1);
    const inputs = make();
    const [gradients, expected] = [form, (out: Tensor) => copied(form(out))].map((make) => {
      const leaves = inputs.map((input) => input.detach().clone().requiresGrad_());
      const out = run(leaves);
      out.backward(make(out.detach().sin()));
      return leaves.map(({ grad }) => grad!);
    });
    gradients!.forEach((gradient, index) => {
      expect(gradient.allclose(expected![index]!, tolerance, tolerance)).toBe(true);
    });
  });
});
