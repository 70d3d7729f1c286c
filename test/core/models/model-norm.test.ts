import { computeModelNorm } from "../../../lib/core/models/model-norm";
import { full, nn, type Tensor } from "../../../lib/torch";

class Small extends nn.Module {
  readonly w = new nn.Parameter(full([2, 2], 1));
  readonly count = this.registerBuffer("count", full([1], 1));

  override forward(x: Tensor): Tensor {
    return x.mul(this.w);
  }
}

test("the norm of a model counts parameters, not buffers", () => {
  expect(computeModelNorm(new Small())).toBe(2);
  expect(computeModelNorm(new nn.Identity())).toBe(0);
  const scalars = new nn.ParameterList([3, 4].map((value) => new nn.Parameter(full([1], value))));
  expect(computeModelNorm(scalars)).toBe(7);
});
