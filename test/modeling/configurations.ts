/** The reference configurations of the tutorial (specification 6.4, 6.5), as far as the models go. */
const SHAPENET = { position_dim: 3, surface_output_dims: { pressure: 1 }, volume_output_dims: { velocity: 3 } };
const CAEML = {
  position_dim: 3,
  surface_output_dims: { pressure: 1, friction: 3 },
  volume_output_dims: { pressure: 1, velocity: 3, vorticity: 3 },
};
const WING = { ...CAEML, conditioning_dims: { geometry_design_parameters: 5, inflow_design_parameters: 2 } };

const BLOCK = { num_heads: 3, mlp_expansion_factor: 4 };
const perceiverThen = (...pairs: string[]) => ["perceiver", "shared", ...pairs];
const CROSS_SHARED = ["cross", "shared"];

function abUpt(data_specs: object, radius: number, drivaerml = false) {
  return {
    kind: "tutorial.model.ABUPT",
    name: "ab_upt",
    hidden_dim: 192,
    geometry_depth: 1,
    physics_blocks: perceiverThen(...Array.from({ length: drivaerml ? 2 : 4 }, () => CROSS_SHARED).flat()),
    num_surface_blocks: drivaerml ? 6 : 2,
    num_volume_blocks: drivaerml ? 6 : 2,
    use_bias_layers: false,
    supernode_pooling_config: { input_dim: 3, radius },
    transformer_block_config: { ...BLOCK, use_rope: true },
    data_specs,
  };
}

function upt(data_specs: object) {
  return {
    kind: "tutorial.model.UPT",
    name: "upt",
    hidden_dim: 192,
    num_heads: 3,
    mlp_expansion_factor: 4,
    approximator_depth: 12,
    use_rope: true,
    supernode_pooling_config: { input_dim: 3, radius: 9 },
    approximator_config: {},
    decoder_config: { depth: 12, input_dim: 3, perceiver_block_config: {} },
    data_specs,
  };
}

function transformer(data_specs: object) {
  return {
    kind: "tutorial.model.Transformer",
    name: "transformer",
    hidden_dim: 192,
    depth: 12,
    use_output_projection: true,
    transformer_block_config: { ...BLOCK, use_rope: true },
    data_specs,
  };
}

function transolver(data_specs: object, options: object = {}, block: object = {}) {
  return {
    kind: "tutorial.model.Transolver",
    name: "transolver",
    hidden_dim: 192,
    depth: 12,
    use_output_projection: true,
    attention_arguments: { num_slices: 512 },
    transformer_block_config: { ...BLOCK, ...block },
    data_specs,
    ...options,
  };
}

function composite(data_specs: object) {
  const blocks = { transformer_config: {} };
  return {
    kind: "tutorial.models.composite_transformer.CompositeTransformer",
    name: "composite_transformer",
    hidden_dim: 192,
    ...BLOCK,
    low_level_blocks: { ...blocks, depth: 6, projection_bias: true },
    high_level_blocks: { ...blocks, depth: 4, use_output_projection: true, output_dim: 4 },
    data_specs,
  };
}

/** Blocks as the shipped Transolver configs leave them in the Python framework. */
const AS_SHIPPED = { attention_constructor: "dot_product" };

/** Name, config, parameters, parameter tensors, buffers, entries of the buffers. */
export const CONFIGURATIONS: readonly [string, Record<string, unknown>, number, number, number, number][] = [
  ["ShapeNet-Car AB-UPT", abUpt(SHAPENET, 9), 7_007_236, 202, 7, 106],
  ["AhmedML AB-UPT", abUpt(CAEML, 0.25), 7_008_587, 202, 7, 106],
  ["DrivAerML AB-UPT", abUpt(CAEML, 0.25, true), 8_788_043, 250, 7, 106],
  ["Wing AB-UPT", abUpt(WING, 0.25), 7_137_995, 170, 7, 106],
  ["ShapeNet-Car UPT", upt(SHAPENET), 11_015_620, 354, 7, 106],
  ["AhmedML and DrivAerML UPT", upt(CAEML), 11_016_971, 354, 7, 106],
  ["ShapeNet-Car Transformer", transformer(SHAPENET), 5_487_748, 156, 5, 74],
  ["AhmedML and DrivAerML Transformer", transformer(CAEML), 5_489_099, 156, 5, 74],
  ["ShapeNet-Car Transolver", transolver(SHAPENET), 5_590_120, 229, 2, 32],
  ["ShapeNet-Car Transolver as shipped in Python", transolver(SHAPENET, {}, AS_SHIPPED), 5_487_940, 157, 2, 32],
  ["AhmedML and DrivAerML Transolver", transolver(CAEML), 5_591_471, 229, 2, 32],
  ["AhmedML and DrivAerML Transolver as shipped in Python", transolver(CAEML, {}, AS_SHIPPED), 5_489_291, 157, 2, 32],
  ["ShapeNet-Car Transolver++", transolver(SHAPENET, { name: "transolver_plusplus" }), 5_553_268, 265, 2, 32],
  ["ShapeNet-Car CompositeTransformer", composite(SHAPENET), 4_598_020, 132, 3, 42],
];
