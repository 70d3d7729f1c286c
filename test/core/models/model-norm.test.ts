import { full, manualSeed, nn, noGrad, rand, type Tensor } from "../../../lib/torch";
import { ForwardHook, StopForwardException } from "../../../lib/core/extractors";
import { computeModelNorm, copyParams, updateEma } from "../../../lib/core/models/model-norm";
import { setSeed } from "../../../lib/core/seed";
import { rootLogger } from "../../../lib/core/logging";

class Small extends nn.Module {
  readonly w: nn.Parameter;
  readonly count: Tensor;
  constructor(value: number) {
    super();
    this.w = new nn.Parameter(full([2, 2], value));
    this.count = this.registerBuffer("count", full([1], value));
  }
  override forward(x: Tensor): Tensor {
    return x.mul(this.w);
  }
}

const first = (tensor: Tensor): number => Number(tensor.flatten().index(0).item());

test("copying is deep and replaces NaN", () => {
  const [source, target] = [new Small(1), new Small(NaN)];
  copyParams(source, target);
  noGrad(() => source.w.fill_(5));
  expect([first(target.w), first(target.count)]).toEqual([1, 1]);
  expect(() => copyParams(source, new nn.Linear(2, 2))).toThrow("the source has 1, the target 2");
});

test("moving averages; buffers only on request", () => {
  const [source, target] = [new Small(1), new Small(0.5)];
  updateEma(source, target, { targetFactor: 0.9 });
  expect(first(target.w)).toBeCloseTo(0.55, 6);
  expect(first(target.count)).toBe(0.5);
  updateEma(source, target, { targetFactor: 0.9, copyBuffers: true });
  expect(first(target.count)).toBe(1);
});

test("norm of a model", () => {
  expect(computeModelNorm(new Small(1))).toBe(2);
  expect(computeModelNorm(new nn.Identity())).toBe(0);
});

test("the same seed gives the same numbers", () => {
  const handlers = rootLogger().handlers;
  rootLogger().handlers = [{ level: 100, handle: () => undefined }];
  const draw = (): unknown => rand([3]).toArray();
  setSeed(999);
  const drawn = draw();
  manualSeed(999);
  expect(draw()).toEqual(drawn);
  rootLogger().handlers = handlers;
});

describe("ForwardHook", () => {
  test("stores outputs under its key", () => {
    const outputs = new Map<string, unknown>();
    const [module, hook, other] = [new nn.Identity(), new ForwardHook(outputs, { key: "a" }), new ForwardHook(outputs)];
    module.registerForwardHook(hook.call);
    module.registerForwardHook(other.call);
    const x = rand([1]);
    module.forward(x);
    expect([outputs.get("a"), outputs.get(other.key), other.key.length]).toEqual([x, x, 36]);
    outputs.clear();
    hook.enabled = false;
    module.forward(x);
    expect([...outputs.keys()]).toEqual([other.key]);
  });

  test("can leave the forward pass after storing", () => {
    const outputs = new Map<string, unknown>();
    const module = new nn.Identity();
    module.registerForwardHook(new ForwardHook(outputs, { key: "a", raiseException: true }).call);
    expect(() => void module.forward(rand([1]))).toThrow(StopForwardException);
    expect(outputs.has("a")).toBe(true);
  });
});
