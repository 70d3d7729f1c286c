/** Activation checkpointing of every model: its losses and gradients are those without. */
import "../../lib";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Factory } from "../../lib/config/factory/factory";
import { UnquantizedDropPath } from "../../lib/modeling";
import { loadSafetensors, manualSeed, nn, rand, type Tensor } from "../../lib/torch";
import { buildModule, callModule, goldenIndex, goldenLoss, loadCase, relativeError } from "../golden/cases";

const MODELS = /\.models\./;
const cases = goldenIndex.filter(({ kind }) => MODELS.test(kind));

test("there are cases of all architectures", () => {
  const kinds = new Set(cases.map(({ kind }) => kind.slice(kind.lastIndexOf(".") + 1)));
  expect([...kinds].sort()).toEqual(["AnchoredBranchedUPT", "Transformer", "Transolver", "UPT"]);
});

interface Pass {
  readonly build: () => nn.Module;
  readonly forward: (model: nn.Module) => unknown;
}

/** Loss and gradients with and without checkpoints, also with randomness in the blocks, as in training. */
function expectEqualPasses({ build, forward }: Pass): void {
  const pass = (checkpointed: boolean) => {
    const model = build();
    for (const module of model.modules())
      if (module instanceof UnquantizedDropPath) Object.assign(module.config, { drop_prob: 0.4 });
    if (checkpointed) expect(nn.checkpointBlocks(model).length).toBeGreaterThan(0);
    manualSeed(7);
    const loss = goldenLoss(forward(model) as never);
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
}

test.each(cases.map((entry) => [entry.name, entry] as const))("%s", (name, entry) => {
  const { weight, input } = loadCase(name);
  expectEqualPasses({
    build: () => {
      const model = buildModule(entry);
      model.loadStateDict(weight);
      return model;
    },
    forward: (model) => callModule(model, entry, input),
  });
});

const release26 = join(__dirname, "..", "golden", "2026.4");
const aero = (
  JSON.parse(readFileSync(join(release26, "index.json"), "utf8")) as {
    name: string;
    kind: string;
    config: Record<string, unknown>;
  }[]
).filter(({ name }) => name.startsWith("aero_"));

test.each(aero.map(({ name, kind, config }) => [name, kind.slice(kind.lastIndexOf(".") + 1), config] as const))(
  "%s",
  (name, kind, { config_kind: _, ...config }) => {
    const { tensors } = loadSafetensors(join(release26, `${name}.safetensors`));
    const inputs = Object.fromEntries(
      [...tensors].flatMap(([key, value]) => (key.startsWith("input.") ? [[key.slice("input.".length), value]] : [])),
    );
    expectEqualPasses({
      build: () => {
        manualSeed(1);
        return new Factory().create({ ...config, kind: `noether.modeling.models.${kind}`, name }) as nn.Module;
      },
      forward: (model) => new Map(Object.entries(model.forward(inputs) as Record<string, Tensor>)),
    });
  },
);

test("all models that come with the framework", () =>
  expect([...new Set(aero.map(({ kind }) => kind.slice(kind.lastIndexOf(".") + 1)))].sort()).toEqual([
    "AeroABUPT",
    "AeroTransformer",
    "AeroTransolver",
    "AeroUPT",
  ]));

test("a composite, its parts and the parts' blocks", () => {
  const inputs = { surface_position: rand([1, 6, 3]), volume_position: rand([1, 5, 3]) };
  expectEqualPasses({
    build: () => {
      manualSeed(1);
      return new Factory().create({
        ...{ kind: "tutorial.model.CompositeTransformer", name: "composite" },
        ...{ hidden_dim: 24, num_heads: 2, mlp_expansion_factor: 2 },
        low_level_blocks: { depth: 2, transformer_config: {} },
        high_level_blocks: { depth: 1, transformer_config: {} },
        data_specs: { position_dim: 3, surface_output_dims: { pressure: 1 }, volume_output_dims: { velocity: 3 } },
      }) as nn.Module;
    },
    forward: (model) => new Map(Object.entries(model.forward(inputs) as Record<string, Tensor>)),
  });
});
