/** Activation checkpointing of every model: its losses and gradients are those without. */
import "../../lib";
import { UnquantizedDropPath } from "../../lib/modeling";
import { manualSeed, nn } from "../../lib/torch";
import { buildModule, callModule, goldenIndex, goldenLoss, loadCase, relativeError } from "../golden/cases";

const MODELS = /\.models\./;
const cases = goldenIndex.filter(({ kind }) => MODELS.test(kind));

test("there are cases of all architectures", () => {
  const kinds = new Set(cases.map(({ kind }) => kind.slice(kind.lastIndexOf(".") + 1)));
  expect([...kinds].sort()).toEqual(["AnchoredBranchedUPT", "Transformer", "Transolver", "UPT"]);
});

test.each(cases.map((entry) => [entry.name, entry] as const))("%s", (name, entry) => {
  const { weight, input } = loadCase(name);
  const pass = (checkpointed: boolean) => {
    const model = buildModule(entry);
    model.loadStateDict(weight);
    // with randomness in the blocks, as in training
    for (const module of model.modules())
      if (module instanceof UnquantizedDropPath) Object.assign(module.config, { drop_prob: 0.4 });
    if (checkpointed) expect(nn.checkpointBlocks(model).length).toBeGreaterThan(0);
    manualSeed(7);
    const loss = goldenLoss(callModule(model, entry, input));
    loss.backward();
    return { loss, gradients: model.namedParameters().map(([key, { grad }]) => [key, grad] as const) };
  };
  const expected = pass(false);
  const actual = pass(true);
  expect(relativeError(actual.loss, expected.loss.detach())).toBeLessThan(1e-6);
  actual.gradients.forEach(([key, gradient], i) => {
    const [otherKey, other] = expected.gradients[i]!;
    expect([key, gradient === null]).toEqual([otherKey, other === null]);
    // without recording, other kernels round differently, and some gradients are sums that nearly cancel
    if (other !== null) expect(relativeError(gradient, other)).toBeLessThan(1e-4);
  });
});
