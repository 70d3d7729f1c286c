import { nn, optim, tensor } from "../../../lib/torch";
import { GradScaler, type GradScalerLike, NoopGradScaler } from "../../../lib/torch/amp";

test("NoopGradScaler scales nothing, steps, and has an empty state", () => {
  const scaler: GradScalerLike = new NoopGradScaler();
  const loss = tensor(2);
  expect([scaler.scale(loss) === loss, scaler.isEnabled(), scaler.stateDict().size]).toEqual([true, false, 0]);
  const { w, optimizer } = parameterWithGradient(1);
  scaler.unscale_(optimizer);
  scaler.loadStateDict(new Map([["scale", 4]]));
  scaler.step(optimizer);
  scaler.update();
  expect([w.toArray(), w.grad?.toArray()]).toEqual([[0], [1]]);
});

/** PyTorch's GradScaler works on the CPU, too. */

function parameterWithGradient(gradient: number): { w: nn.Parameter; optimizer: optim.SGD } {
  const w = new nn.Parameter(tensor([1]));
  w.grad = tensor([gradient]);
  return { w, optimizer: new optim.SGD([w], { lr: 1 }) };
}

describe("GradScaler", () => {
  test("scales the loss and the gradients back", () => {
    const scaler = new GradScaler({ initScale: 4 });
    expect(scaler.scale(tensor(2)).item()).toBe(8);
    const { w, optimizer } = parameterWithGradient(4);
    scaler.unscale_(optimizer);
    expect(w.grad?.toArray()).toEqual([1]);
    scaler.step(optimizer);
    scaler.update();
    expect(w.toArray()).toEqual([0]);
  });

  test("an overflow skips the step and halves the scale; good steps double it", () => {
    const scaler = new GradScaler({ initScale: 4, growthInterval: 2 });
    scaler.scale(tensor(1));
    const bad = parameterWithGradient(Infinity);
    scaler.step(bad.optimizer);
    scaler.update();
    expect([bad.w.toArray(), scaler.getScale()]).toEqual([[1], 2]);
    for (let i = 0; i < 2; i++) {
      scaler.step(parameterWithGradient(1).optimizer);
      scaler.update();
    }
    expect(scaler.getScale()).toBe(4);
  });

  test("tells whether the last update was left out altogether", () => {
    const scaler = new GradScaler({ initScale: 4 });
    const update = (...gradients: number[]): boolean => {
      scaler.scale(tensor(1));
      for (const gradient of gradients) scaler.step(parameterWithGradient(gradient).optimizer);
      scaler.update();
      return scaler.foundOverflow;
    };
    expect([update(Infinity), update(1), update(1, NaN), update(Infinity, NaN)]).toEqual([true, false, false, true]);
    scaler.scale(tensor(1));
    expect(scaler.foundOverflow).toBe(false);
  });

  test("calls in the wrong order are refused", () => {
    const scaler = new GradScaler();
    scaler.scale(tensor(1));
    const { optimizer } = parameterWithGradient(1);
    scaler.unscale_(optimizer);
    expect(() => scaler.unscale_(optimizer)).toThrow("already");
    scaler.step(optimizer);
    expect(() => scaler.step(optimizer)).toThrow("already");
    expect(() => scaler.unscale_(optimizer)).toThrow("already");
  });

  test("state", () => {
    const scaler = new GradScaler({ initScale: 4, growthInterval: 3 });
    scaler.scale(tensor(1));
    scaler.step(parameterWithGradient(1).optimizer);
    scaler.update();
    const state = scaler.stateDict();
    expect([...state.keys()]).toEqual([
      "scale",
      "growth_factor",
      "backoff_factor",
      "growth_interval",
      "_growth_tracker",
    ]);
    const other = new GradScaler();
    other.loadStateDict(state);
    expect(other.stateDict()).toEqual(state);
  });

  test("the empty state of a run in another precision leaves the initial scale", () => {
    const scaler = new GradScaler();
    scaler.loadStateDict(new Map());
    expect(scaler.getScale()).toBe(65536);
  });
});
