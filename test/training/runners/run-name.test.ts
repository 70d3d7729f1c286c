import { runName } from "../../../lib/training/runners";

describe("the name of a run", () => {
  test.each([
    [null, ["model.depth=4", "lr=0.001"], "--model.depth=4-lr=0.001"],
    [null, ["+experiment=test"], "--experiment=test"],
    [null, ["accelerator=gpu", "devices=4", "tracker=wandb", "model.width=10"], "--model.width=10"],
    [null, ["+accelerator=gpu", "+devices='0'"], ""],
    [null, ["layers=2.0", "alpha=1."], "--layers=2-alpha=1"],
    [null, ["clip_grad_norm=1.0"], "--gclip=1"],
    [null, ["lr=1e+3"], "--lr=1e+3"],
    ["baseline", ["model.name=resnet", "lr=0.01"], "baseline--model.name=resnet-lr=0.01"],
    ["baseline", [], "baseline"],
    ["baseline", ["tracker=disabled"], "baseline"],
  ])("%p with %j", (name, overrides, expected) => {
    expect(runName(name, overrides)).toBe(expected);
  });
});
