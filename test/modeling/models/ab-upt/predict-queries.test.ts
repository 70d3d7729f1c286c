import { AnchoredBranchedUPT, predictQueries } from "../../../../lib/modeling";
import { countTensors, manualSeed, noGrad, rand, randn } from "../../../../lib/torch";
import { relativeError } from "../../../golden/cases";
import { ints } from "../../helpers";
import { collectGarbage } from "../../../support/collect-garbage";

beforeAll(collectGarbage);

function build(conditioned: boolean): AnchoredBranchedUPT {
  manualSeed(1);
  const model = new AnchoredBranchedUPT({
    kind: "noether.modeling.models.AnchoredBranchedUPT",
    name: "ab_upt",
    hidden_dim: 24,
    geometry_depth: 1,
    physics_blocks: ["perceiver", "shared", "cross", "joint", "perceiver"],
    num_surface_blocks: 2,
    num_volume_blocks: 1,
    supernode_pooling_config: { input_dim: 3, k: 4 },
    transformer_block_config: { num_heads: 2, mlp_expansion_factor: 2, use_rope: true, drop_path: 0.5 },
    data_specs: {
      position_dim: 3,
      surface_output_dims: { pressure: 1, friction: 3 },
      volume_output_dims: { velocity: 3 },
      ...(conditioned ? { conditioning_dims: { inflow_design_parameters: 2 } } : {}),
    },
  } as never);
  // Weights of a trained model: at initialisation, gates of a conditioned block are zero.
  noGrad(() => model.parameters().forEach((parameter) => parameter.add_(randn(parameter.shape), { alpha: 0.1 })));
  return model;
}

const inputs = (conditioned: boolean) => ({
  geometry_position: rand([40, 3]),
  geometry_supernode_idx: ints([0, 3, 6, 20, 25, 39]),
  geometry_batch_idx: ints([...Array<number>(20).fill(0), ...Array<number>(20).fill(1)]),
  surface_anchor_position: rand([2, 7, 3]),
  volume_anchor_position: rand([2, 5, 3]),
  query_surface_position: rand([2, 11, 3]),
  query_volume_position: rand([2, 9, 3]),
  ...(conditioned ? { inflow_design_parameters: rand([2, 2]) } : {}),
});

describe("predictQueries", () => {
  it.each([
    ["one geometry", false, 4],
    ["a condition", true, 4],
    ["one chunk", false, 100],
  ])("equals one forward with all points: %s", async (_, conditioned, chunkSize) => {
    const model = build(conditioned);
    const batch = inputs(conditioned);
    const expected = noGrad(() => model.eval().forward(batch));
    const fields = await predictQueries(model.train(), batch, { chunkSize });
    expect(Object.keys(fields)).toEqual(Object.keys(expected));
    for (const [name, values] of Object.entries(expected))
      expect(relativeError(fields[name], values)).toBeLessThan(1e-5);
    expect(model.training).toBe(true);
  });

  it("reports progress and leaves no tensors behind", async () => {
    const model = build(false);
    const batch = inputs(false);
    const progress: number[] = [];
    const run = () =>
      predictQueries(model, batch, { chunkSize: 6, onProgress: ({ done, total }) => progress.push(done, total) });
    for (const field of Object.values(await run())) field.dispose();
    expect(progress).toEqual([6, 20, 11, 20, 17, 20, 20, 20]);
    const before = countTensors();
    for (const field of Object.values(await run())) field.dispose();
    expect(countTensors()).toBe(before);
  });

  it("evaluates anchors alone when there are no queries", async () => {
    const { query_surface_position: _, query_volume_position: __, ...batch } = inputs(false);
    expect(Object.keys(await predictQueries(build(false), batch))).toEqual([
      "surface_pressure",
      "surface_friction",
      "volume_velocity",
    ]);
  });

  it("stops when asked to", async () => {
    const abort = new AbortController();
    const run = predictQueries(build(false), inputs(false), {
      chunkSize: 2,
      signal: abort.signal,
      onProgress: () => abort.abort(new Error("enough")),
    });
    await expect(run).rejects.toThrow("enough");
  });
});
