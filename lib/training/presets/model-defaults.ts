/** Parameters of a model that a preset completes; what is not among them goes into the model's config as it is. */
export interface ModelParameters {
  readonly hidden_dim?: number;
  readonly num_heads?: number;
  readonly mlp_expansion_factor?: number;
  readonly use_rope?: boolean;
  /** Of the supernode pooling. */
  readonly radius?: number;
  /** Blocks of the decoder of `AeroUPT`. */
  readonly decoder_depth?: number;
  /** Of `AeroTransolver`. */
  readonly num_slices?: number;
  readonly [key: string]: unknown;
}

/** What the defaults need of the data specs. */
interface Specs {
  readonly position_dim: number;
  readonly domains?: Readonly<Record<string, unknown>>;
}

/** Width of blocks where the model's is missing, which the model's config then says. */
const FALLBACK_DIM = 192;

type Mapping = Record<string, unknown>;

const AERO = /^noether\.modeling\.models\.(?:aerodynamics\.)?(Aero\w+)$/;

/**
 * The config of a model, completed for the trainable aerodynamics models, by either spelling of their kinds; of others the parameters
 * as they are.
 */
export function modelDefaults(kind: string, parameters: ModelParameters, specs: Specs): Mapping {
  const name = AERO.exec(kind)?.[1];
  const complete = name === undefined ? undefined : DEFAULTS[name];
  return complete === undefined ? { ...parameters } : complete(parameters, specs);
}

const DEFAULTS: Readonly<Record<string, (parameters: ModelParameters, specs: Specs) => Mapping>> = {
  AeroABUPT({ num_heads, mlp_expansion_factor, use_rope = true, radius, ...own }, specs) {
    const domains = Object.keys(specs.domains ?? {});
    return {
      name: "ab_upt",
      num_domain_decoder_blocks: Object.fromEntries(domains.map((domain) => [domain, 12])),
      supernode_pooling_config: pooling(own, radius, specs),
      transformer_block_config: block(own, num_heads, mlp_expansion_factor, use_rope),
      ...own,
    };
  },
  AeroUPT({ num_heads = 3, mlp_expansion_factor = 4, use_rope = true, radius, decoder_depth = 12, ...own }, specs) {
    const config = block(own, num_heads, mlp_expansion_factor, use_rope);
    return {
      name: "upt",
      num_heads,
      mlp_expansion_factor,
      use_rope,
      approximator_depth: 12,
      bias_layers: false,
      supernode_pooling_config: pooling(own, radius, specs),
      approximator_config: config,
      decoder_config: { depth: decoder_depth, input_dim: specs.position_dim, perceiver_block_config: config },
      ...own,
    };
  },
  AeroTransformer({ num_heads, mlp_expansion_factor, use_rope = false, ...own }) {
    const transformer_block_config = block(own, num_heads, mlp_expansion_factor, use_rope);
    return { name: "transformer", depth: 12, transformer_block_config, ...own };
  },
  AeroTransolver({ num_heads, mlp_expansion_factor, num_slices = 512, ...own }) {
    return {
      name: "transolver",
      depth: 12,
      attention_arguments: { num_slices },
      transformer_block_config: block(own, num_heads, mlp_expansion_factor, false),
      ...own,
    };
  },
};

function block(
  { hidden_dim = FALLBACK_DIM }: ModelParameters,
  num_heads = 3,
  mlp_expansion_factor = 4,
  use_rope: boolean,
): Mapping {
  return { hidden_dim, num_heads, mlp_expansion_factor, use_rope };
}

function pooling({ hidden_dim = FALLBACK_DIM }: ModelParameters, radius = 9, { position_dim }: Specs): Mapping {
  return { hidden_dim, input_dim: position_dim, radius };
}
