import { Lion } from "../../../lib/core/optimizer";
import { nn, manualSeed, noGrad, rand, randn } from "../../../lib/torch";
import type { Tensor } from "../../../lib/torch";
import { relative } from "../../torch/helpers";

/** Parameters after some updates; views that are not contiguous take the foreach operators instead of the native pass. */
function train(strided: boolean): { params: Tensor[]; momenta: Tensor[] } {
  manualSeed(0);
  const params = [40, 1, 70000].map((size) => {
    const start = randn([size, 2]);
    return new nn.Parameter(strided ? start.t().contiguous().t() : start);
  });
  const optimizer = new Lion(params, { lr: 1e-2, weightDecay: 0.1 });
  for (let update = 0; update < 3; update++) {
    // Each gradient outweighs the momentum, so that no direction is near zero, where rounding would decide about its sign.
    const gradient = (shape: readonly number[]) =>
      randn(shape)
        .sign()
        .mul(rand(shape).add(1))
        .mul(30 ** update);
    noGrad(() => params.forEach((param) => (param.grad = gradient(param.shape))));
    optimizer.step();
  }
  return { params, momenta: params.map((param) => (optimizer.state.get(param) as { exp_avg: Tensor }).exp_avg) };
}

it("Lion in one native pass gives what the foreach operators give", () => {
  const [native, foreach] = [train(false), train(true)];
  for (const list of ["params", "momenta"] as const) {
    // ATen fuses multiplication and addition on some CPUs only.
    native[list].forEach((value, i) => expect(relative(value, foreach[list][i]!)).toBeLessThan(1e-6));
  }
});
