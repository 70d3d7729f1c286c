import { Lion } from "../../../lib/core/optimizer";
import { nn, manualSeed, noGrad, randn } from "../../../lib/torch";
import type { Tensor } from "../../../lib/torch";

/** Parameters after some updates; views that are not contiguous take the foreach operators instead of the native pass. */
function train(strided: boolean): { params: Tensor[]; momenta: Tensor[] } {
  manualSeed(0);
  const params = [40, 1, 70000].map((size) => {
    const start = randn([size, 2]);
    return new nn.Parameter(strided ? start.t().contiguous().t() : start);
  });
  const optimizer = new Lion(params, { lr: 1e-2, weightDecay: 0.1 });
  for (let update = 0; update < 3; update++) {
    noGrad(() => params.forEach((param) => (param.grad = randn(param.shape).mul(param))));
    optimizer.step();
  }
  return { params, momenta: params.map((param) => (optimizer.state.get(param) as { exp_avg: Tensor }).exp_avg) };
}

it("Lion in one native pass gives the bits of the foreach operators", () => {
  const [native, foreach] = [train(false), train(true)];
  for (const list of ["params", "momenta"] as const) {
    native[list].forEach((value, i) => expect(value.equal(foreach[list][i]!)).toBe(true));
  }
});
