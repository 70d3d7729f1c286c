/** `deepcopy` of every module of `lib/modeling`: the same outputs, and nothing shared. */
import { Factory } from "../../lib/config/factory/factory";
import * as modeling from "../../lib/modeling";
import { deepcopy, manualSeed, nn, noGrad, rand, scope, Tensor, zeros } from "../../lib/torch";
import { assertClose } from "../../lib/testing";
import { buildModule, callModule, goldenIndex, loadCase } from "../golden/cases";
import { ints } from "./helpers";

type Run = (module: nn.Module) => unknown;
type Case = readonly [name: string, build: () => nn.Module, run: () => Run];

const SPECS = {
  position_dim: 3,
  domains: { surface: { output_dims: { pressure: 1 } }, volume: { output_dims: { velocity: 3 } } },
};
const BLOCK = { num_heads: 2, mlp_expansion_factor: 2 };
const HEADS = { hidden_dim: 8, num_heads: 2 };
const TOKENS = [
  { name: "a_anchors", size: 3 },
  { name: "b_anchors", size: 2 },
];
const ALL = TOKENS.map(({ name }) => name);
const EVERYTHING = { tokenSpecs: TOKENS, attentionPatterns: [{ queryTokens: ALL, keyValueTokens: ALL }] };
const LINEAR = { input_dim: 8, output_dim: 8 };

/** `forward` of fixed arguments. */
function onInputs(...inputs: (() => unknown)[]): () => Run {
  return () => {
    const given = inputs.map((make) => make());
    return (module) => module.forward(...given) as unknown;
  };
}
const tokens = (count = 5) => rand([1, count, 8]);
const points = onInputs(() => ({ surface_position: rand([1, 6, 3]), volume_position: rand([1, 5, 3]) }));
const cloud = (name: string, prefix = name) => ({
  [name]: rand([8, 3]),
  [`${prefix}_supernode_idx`]: ints([0, 4]),
  [`${prefix}_batch_idx`]: zeros([8], { dtype: "int64" }),
});
const anchors = onInputs(() => ({
  ...cloud("geometry_position", "geometry"),
  surface_anchor_position: rand([1, 6, 3]),
  volume_anchor_position: rand([1, 5, 3]),
}));
const queries = onInputs(() => ({
  ...cloud("surface_position"),
  surface_query_position: rand([1, 6, 3]),
  volume_query_position: rand([1, 5, 3]),
}));

/** A trainable model by its kind. */
const model = (kind: string, config: object, run: () => Run): Case => [
  kind,
  () => new Factory().create({ kind, name: "net", hidden_dim: 12, ...config } as never) as nn.Module,
  run,
];
const fields = { data_specs: SPECS };
const branches = {
  ...fields,
  geometry_depth: 1,
  supernode_pooling_config: { input_dim: 3, k: 2 },
  transformer_block_config: { ...BLOCK, use_rope: true },
};
const abUpt = {
  ...branches,
  physics_blocks: ["perceiver_untied", "self_untied", "cross"],
  num_domain_decoder_blocks: { surface: 1, volume: 1 },
};
const upt = {
  ...fields,
  ...BLOCK,
  approximator_depth: 1,
  use_rope: true,
  supernode_pooling_config: { input_dim: 3, k: 3 },
  approximator_config: {},
  decoder_config: { depth: 1, input_dim: 3, perceiver_block_config: {} },
};
const tutorialAbUpt = {
  ...branches,
  physics_blocks: ["perceiver", "shared"],
  num_surface_blocks: 1,
  num_volume_blocks: 1,
  use_bias_layers: false,
};
const transformer = { ...fields, depth: 1, transformer_block_config: BLOCK };
const transolver = { ...transformer, attention_arguments: { num_slices: 4 } };
const projected = { use_output_projection: true };
const compositeBlocks = { depth: 1, transformer_config: {} };

const oneOfEachKind = goldenIndex.filter(({ kind }, i) => goldenIndex.findIndex((each) => each.kind === kind) === i);
const CASES: readonly Case[] = [
  ...oneOfEachKind.map((entry): Case => {
    const run = () => (module: nn.Module) => callModule(module, entry, loadCase(entry.name).input);
    return [entry.name, () => buildModule(entry), run];
  }),
  [
    "TransolverPlusPlusAttention",
    () => new modeling.TransolverPlusPlusAttention({ ...HEADS, num_slices: 4 }),
    onInputs(tokens),
  ],
  ["MixedAttention", () => new modeling.MixedAttention(HEADS), onInputs(tokens, () => EVERYTHING)],
  ["ScalarsConditioner", () => new modeling.ScalarsConditioner({ hidden_dim: 8, num_scalars: 2 }), onInputs(() => rand([3]), () => rand([3]))], // prettier-ignore
  ["TransformerBatchNorm", () => new modeling.TransformerBatchNorm(8), onInputs(tokens)],
  ["UnquantizedDropPath", () => new modeling.UnquantizedDropPath({ drop_prob: 0.5 }), onInputs(tokens)],
  ["UntiedLinear", () => new modeling.UntiedLinear({ num_types: 2, linear_projection: LINEAR }), onInputs(tokens, () => TOKENS)], // prettier-ignore
  ["UntiedMLP", () => new modeling.UntiedMLP({ num_types: 2, mlp: { ...LINEAR, hidden_dim: 4 } }), onInputs(tokens, () => TOKENS)], // prettier-ignore
  ["UntiedMixedAttention", () => new modeling.UntiedMixedAttention({ ...HEADS, num_types: 2 }), onInputs(tokens, () => EVERYTHING)], // prettier-ignore
  model("noether.modeling.models.AeroABUPT", abUpt, anchors),
  model("noether.modeling.models.AeroUPT", upt, queries),
  model("noether.modeling.models.AeroTransformer", transformer, points),
  model("noether.modeling.models.AeroTransolver", transolver, points),
  model("tutorial.model.ABUPT", tutorialAbUpt, anchors),
  model("tutorial.model.UPT", upt, queries),
  model("tutorial.model.Transformer", { ...transformer, ...projected }, points),
  model("tutorial.model.Transolver", { ...transolver, ...projected }, points),
  model("tutorial.model.CompositeTransformer", { ...fields, ...BLOCK, low_level_blocks: { ...compositeBlocks, projection_bias: true }, high_level_blocks: { ...compositeBlocks, ...projected, output_dim: 4 } }, points), // prettier-ignore
  model("boilerplate_project.models.BaseModel", { input_dim: 3, output_dim: 2, num_hidden_layers: 1, norm_layer: "batch_norm" }, onInputs(() => rand([4, 3]))), // prettier-ignore
];

/** All tensors in what a module returned. */
function tensorsOf(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value];
  return Object.values(value instanceof Map ? Object.fromEntries(value) : (value as object)).flatMap(tensorsOf);
}
const outputsOf = (run: Run, module: nn.Module) => noGrad(() => tensorsOf(run(module)));

const reached = new Set<object>();

test.each(CASES)("%s", (_, build, inputs) =>
  scope(() => {
    manualSeed(0);
    const module = build().eval();
    const run = inputs();
    for (const each of module.modules()) reached.add(each.constructor);

    const copy = deepcopy(module);
    expect([String(copy), [...copy.stateDict().keys()]]).toEqual([String(module), [...module.stateDict().keys()]]);
    const before = outputsOf(run, module);
    expect(before.length).toBeGreaterThan(0);
    // not to the bit: weights that lay side by side are copied one by one, and products of others round otherwise
    outputsOf(run, copy).forEach((output, i) => assertClose(output, before[i]!, { equalNan: true }));

    noGrad(() => [...copy.parameters(), ...copy.buffers()].forEach((each) => each.zero_()));
    expect(outputsOf(run, module)).toEqual(before);
  }),
);

test("a model in training is copied with its optimizer", () =>
  scope(() => {
    const [, build] = model("boilerplate_project.models.BaseModel", {
      ...{ input_dim: 3, output_dim: 2, optimizer_config: { kind: "torch.optim.AdamW", lr: 0.1 } },
    }, points); // prettier-ignore
    const original = build() as modeling.boilerplate.BaseModel;
    original.initialize();
    const x = rand([4, 3]);
    const train = (each: modeling.boilerplate.BaseModel) => {
      each.optimizerZeroGrad();
      each.forward(x).square().sum().backward();
      each.optimizerStep(null);
    };
    train(original);
    const copy = deepcopy(original);
    const before = copy.outputProjection.weight.detach().clone();
    train(original);
    expect(copy.outputProjection.weight.detach()).toEqual(before);
    train(copy);
    expect(copy.outputProjection.weight.detach()).toEqual(original.outputProjection.weight.detach());
    expect(copy.optimizer!.model).toBe(copy);
  }));

test("these are all classes of modules", () => {
  const ABSTRACT = ["CrossAttention", "MultiBranchAnchorAttention", "AerodynamicsModel"];
  const exported = [modeling, modeling.aerodynamics, modeling.boilerplate].flatMap((from) =>
    (Object.values(from) as unknown[]).filter(
      (each): each is typeof nn.Module => typeof each === "function" && each.prototype instanceof nn.Module,
    ),
  );
  const missing = exported.filter((each) => !reached.has(each)).map(({ name }) => name);
  expect(missing.sort()).toEqual(ABSTRACT.sort());
});
