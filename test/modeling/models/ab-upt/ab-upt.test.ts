import { AnchoredBranchedUPT } from "../../../../lib/modeling";
import { manualSeed, noGrad, rand, randn, scope, type Tensor } from "../../../../lib/torch";
import { relativeError } from "../../../golden/cases";
import { ints } from "../../helpers";

const DOMAINS = {
  wing: { output_dims: { p: 1 } },
  wing_rear: { output_dims: { p: 2, k: 1 } },
  wake: { output_dims: { k: 1 } },
};

function build(physics_blocks: readonly string[]): AnchoredBranchedUPT {
  manualSeed(3);
  const model = new AnchoredBranchedUPT({
    kind: "noether.modeling.models.AnchoredBranchedUPT",
    name: "ab_upt",
    hidden_dim: 24,
    geometry_depth: 1,
    physics_blocks,
    num_domain_decoder_blocks: { wing: 1, wing_rear: 2, wake: 0 },
    supernode_pooling_config: { input_dim: 3, k: 4 },
    transformer_block_config: { num_heads: 2, mlp_expansion_factor: 2, use_rope: true },
    data_specs: { position_dim: 3, domains: DOMAINS },
  } as never);
  noGrad(() => model.parameters().forEach((parameter) => parameter.add_(randn(parameter.shape), { alpha: 0.1 })));
  return model;
}

const geometry = () => ({
  geometry_position: rand([40, 3]),
  geometry_supernode_idx: ints([0, 3, 6, 20, 25, 39]),
  geometry_batch_idx: ints([...Array<number>(20).fill(0), ...Array<number>(20).fill(1)]),
});
const anchors = () => ({ wing: rand([2, 4, 3]), wing_rear: rand([2, 3, 3]), wake: rand([2, 5, 3]) });

const BLOCKS = [
  ["self", "cross", "joint"],
  ["perceiver", "self", "perceiver"],
  ["perceiver_untied", "self_untied", "cross_untied", "joint_untied", "self"],
];

describe("the cache", () => {
  it.each(BLOCKS.map((blocks) => [blocks]))(
    "gives the fields of one forward at queries of some domains (%s)",
    (blocks) =>
      scope(() =>
        noGrad(() => {
          const model = build(blocks);
          const inputs = {
            ...(blocks[0]!.startsWith("perceiver") ? geometry() : {}),
            domain_anchor_positions: anchors(),
          };
          const domain_query_positions = { wing_rear: rand([2, 6, 3]) };
          const expected = model.forward({ ...inputs, domain_query_positions });
          const { fields, cache } = model.encodeAnchors(inputs);
          const queried = model.forward({ kv_cache: cache, domain_query_positions });
          expect(Object.keys(queried)).toEqual(["query_wing_rear_p", "query_wing_rear_k"]);
          for (const [name, values] of Object.entries({ ...fields, ...queried }))
            expect([name, relativeError(values, expected[name]!) < 1e-5]).toEqual([name, true]);
          expect(Object.keys({ ...fields, ...queried })).toHaveLength(Object.keys(expected).length);
          cache.dispose();
        }),
      ),
  );

  it("lets gradients through", () =>
    scope(() => {
      const model = build(["self"]);
      const { cache } = model.encodeAnchors({ domain_anchor_positions: anchors() });
      const fields = model.forward({ kv_cache: cache, domain_query_positions: { wake: rand([2, 2, 3]) } });
      fields["query_wake_k"]!.sum().backward();
      expect(model.domainBiases.get("wake").parameters()[0]!.grad).not.toBeNull();
    }));

  it.each<[string, (model: AnchoredBranchedUPT) => object, string]>([
    ["neither anchors nor a cache", () => ({ domain_query_positions: { wing: rand([2, 2, 3]) } }), "got none of them"],
    ["both", (model) => ({ kv_cache: cacheOf(model), domain_anchor_positions: anchors() }), "got both"],
    ["a cache without queries", (model) => ({ kv_cache: cacheOf(model) }), "expected domain_query_positions"],
    [
      "a geometry beside the cache",
      (model) => ({ kv_cache: cacheOf(model), ...geometry(), domain_query_positions: { wing: rand([2, 2, 3]) } }),
      "part of kv_cache",
    ],
    [
      "a cache of another model",
      () => ({ kv_cache: cacheOf(build(["self", "self"])), domain_query_positions: { wing: rand([2, 2, 3]) } }),
      "of another model",
    ],
    ["an unknown domain", () => ({ domain_anchor_positions: { ...anchors(), rear: rand([2, 1, 3]) } }), 'has "rear"'],
    ["flat positions", () => ({ domain_anchor_positions: { wing: rand([4, 3]) } }), "must have shape (B, N, P)"],
  ])("refuses %s", (_, inputs, message) =>
    scope(() => {
      const model = build(["self"]);
      expect(() => model.forward(inputs(model))).toThrow(message);
    }),
  );
});

function cacheOf(model: AnchoredBranchedUPT) {
  return model.encodeAnchors({ domain_anchor_positions: anchors() }).cache;
}

it.each(BLOCKS.map((blocks) => [blocks]))("domains may have no anchors, or nothing at all (%s)", (blocks) =>
  scope(() => {
    const model = build(blocks);
    const inputs = { ...(blocks[0]!.startsWith("perceiver") ? geometry() : {}) };
    const fields = model.forward({
      ...inputs,
      domain_anchor_positions: { wing: rand([2, 4, 3]) },
      domain_query_positions: { wake: rand([2, 2, 3]) },
    });
    const shapes = Object.entries(fields).map(([name, { shape }]) => `${name} ${shape.join("x")}`);
    expect(shapes).toEqual(["wing_p 2x4x1", "wake_k 2x0x1", "query_wake_k 2x2x1"]);
    for (const field of Object.values(fields)) expect(field.isfinite().all().item()).toBe(true);
  }),
);

it.each(["bfloat16", "float64"] as const)("computes in the dtype of its weights: %s", (dtype) =>
  scope(() => {
    const model = build(["perceiver", "self"]);
    const inputs = { ...geometry(), domain_anchor_positions: anchors() };
    const expected = noGrad(() => model.forward(inputs));
    const fields: Record<string, Tensor> = noGrad(() => model.to(dtype).forward(inputs));
    for (const [name, field] of Object.entries(fields)) {
      expect([name, field.dtype]).toEqual([name, dtype]);
      expect([name, relativeError(field, expected[name]!) < (dtype === "bfloat16" ? 0.1 : 1e-4)]).toEqual([name, true]);
    }
  }),
);
