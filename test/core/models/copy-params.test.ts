import { copyParams, updateEma } from "../../../lib/core/models";
import { full, nn, noGrad, type Tensor } from "../../../lib/torch";

class Net extends nn.Module {
  readonly linear = new nn.Linear(2, 2);
  readonly count: Tensor;
  constructor(value: number) {
    super();
    this.count = this.registerBuffer("count", full([1], value));
    noGrad(() => this.parameters().forEach((parameter) => parameter.fill_(value)));
  }
  override forward(x: Tensor): Tensor {
    return this.linear.forward(x);
  }
}
const values = ({ linear, count }: Net) => [linear.weight, linear.bias!, count].map((x) => x.flatten().toArray());

test("copies are deep, with buffers, and replace NaN", () => {
  const [source, target] = [new Net(3), new Net(NaN)];
  copyParams(source, target);
  expect(values(target)).toEqual([[3, 3, 3, 3], [3, 3], [3]]);
  noGrad(() => source.linear.weight.fill_(7));
  expect(target.linear.weight.mean().item()).toBe(3);
});

test("0.9 of 0.5 and 0.1 of 1 are 0.55; buffers are copied on request", () => {
  const [source, target] = [new Net(1), new Net(0.5)];
  updateEma(source, target, 0.9);
  values(target).slice(0, 2).flat().forEach((value) => expect(value).toBeCloseTo(0.55, 6)); // prettier-ignore
  expect(target.count.item()).toBe(0.5);
  updateEma(source, target, 0.9, { copyBuffers: true });
  expect(target.count.item()).toBe(1);
});

test("modules of two kinds are refused before anything is copied", () => {
  const target = new Net(1);
  expect(() => copyParams(new nn.Linear(2, 2), target)).toThrow("equally many buffers");
  expect(() => updateEma(new nn.LayerNorm([2], { bias: false }), target, 0.5)).toThrow("equally many parameters");
  expect(values(target)).toEqual([[1, 1, 1, 1], [1, 1], [1]]);
});
