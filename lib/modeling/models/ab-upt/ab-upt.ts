import type { z } from "zod";
import { register } from "../../../config/registry";
import { isGiven, validateConfig, type FieldType } from "../../../config/schema";
import { fieldSlices, totalDim } from "../../../core/data-specs/field-dim-spec";
import { loadEitherRelease } from "../../../core/release-1.1";
import { cat, keep, nn, scope } from "../../../torch";
import type { Tensor } from "../../../torch";
import { narrowTable } from "../../functional/rope";
import type { RopeTable } from "../../functional/rotate";
import { CrossAnchorAttention, JointAnchorAttention, SelfAnchorAttention } from "../../modules/attention";
import type { KeysValues, KeyValueCache, TokenSpec } from "../../modules/attention";
import { PerceiverBlock, PerceiverBlockConfig, TransformerBlock } from "../../modules/blocks";
import { SupernodePooling } from "../../modules/encoders";
import { ContinuousSincosEmbed, LinearProjection, RopeFrequency } from "../../modules/layers";
import { MLP } from "../../modules/mlp";
import { UntiedLinear, UntiedPerceiverBlock, UntiedTransformerBlock } from "../../modules/untied";
import { ABUPTCache } from "./cache";
import { AnchorBranchedUPTConfig } from "./config";
import type { PhysicsBlock } from "./config";
import { conditionParts, positionsOf, refuse } from "./inputs";
import type {
  ABUPTInputs,
  AnchorInputs,
  ConditionInputs,
  DomainPositions,
  GeometryInputs,
  QueryInputs,
} from "./inputs";

const ANCHOR_ATTENTION = {
  self: SelfAnchorAttention,
  cross: CrossAnchorAttention,
  joint: JointAnchorAttention,
} as const;

/** Token group of the geometry in a cache. */
const GEOMETRY = "geometry_encoding";

/** Fields by name: `<domain>_<field>` at anchors, `query_<domain>_<field>` at queries, each (B, points, channels). */
export type Fields = Record<string, Tensor>;

/** A geometry with its anchors, computed once. */
export interface EncodedAnchors {
  /** Fields at the anchors. */
  readonly fields: Fields;
  /** What queries attend to; free it with `dispose()`. */
  readonly cache: ABUPTCache;
}

/** The geometry as tokens (B, S, D) with their rotary frequencies. */
interface Geometry {
  readonly tokens: Tensor;
  readonly freqs: RopeTable;
}

/** Token groups of one domain, and positions (B, n, P) of those that are in the sequence. */
interface DomainTokens {
  readonly domain: string;
  readonly specs: readonly TokenSpec[];
  readonly positions: readonly Tensor[];
}

/** What a run over the tokens needs beside their positions. */
interface Context {
  readonly condition: Tensor | null;
  readonly geometry: Geometry | null;
  readonly cache: ABUPTCache | null;
  /** Where blocks leave keys and values, by their place in the cache; null: they are not kept. */
  readonly kept: { readonly physics: KeyValueCache[]; readonly decoders: Record<string, KeyValueCache[]> } | null;
}

/**
 * Anchored-Branched Universal Physics Transformer (AB-UPT, https://arxiv.org/abs/2502.09692).
 *
 * The geometry is pooled into supernodes and encoded by transformer blocks. The points of each domain (the surface of a car, the volume
 * around it, …; the names are those of the data specs) are a branch of one sequence; their physics blocks attend to the geometry
 * ("perceiver"), to the anchors of their own domain ("self"), of the others ("cross"), or of all ("joint"). Each domain ends in decoder
 * blocks of its own. Anchors are points that all others may attend to; queries attend to anchors only, so any number of them can be
 * evaluated.
 */
export class AnchoredBranchedUPT extends nn.Module {
  static readonly schema: FieldType = AnchorBranchedUPTConfig;
  readonly rope: RopeFrequency;
  readonly posEmbed: ContinuousSincosEmbed;
  readonly domainBiases: nn.ModuleDict<MLP>;
  readonly physicsBlocks: nn.ModuleList<TransformerBlock | PerceiverBlock>;
  /** With perceiver blocks, else null. */
  readonly encoder: SupernodePooling | null;
  readonly geometryBlocks: nn.ModuleList<TransformerBlock> | null;
  readonly domainDecoderBlocks: nn.ModuleDict<nn.ModuleList<TransformerBlock>>;
  readonly domainDecoderProjections: nn.ModuleDict<LinearProjection>;
  readonly config: AnchorBranchedUPTConfig;

  constructor(config: z.input<typeof AnchorBranchedUPTConfig>) {
    super();
    this.config = validateConfig(AnchorBranchedUPTConfig, config);
    const { hidden_dim, data_specs, transformer_block_config: block, supernode_pooling_config: pooling } = this.config;
    const input_dim = data_specs.position_dim;
    const max_wavelength = block.max_wavelength!;
    const domains = Object.entries(data_specs.domains);
    const byDomain = <T extends nn.Module>(make: (domain: string, channels: number) => T) =>
      new nn.ModuleDict(domains.map(([name, { output_dims }]) => [name, make(name, totalDim(output_dims))] as const));
    const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
    const hasPerceiver = this.config.physics_blocks.some((kind) => kind.startsWith("perceiver"));

    this.rope = new RopeFrequency({
      hidden_dim: hidden_dim / block.num_heads,
      input_dim,
      max_wavelength,
      implementation: "complex",
    });
    this.posEmbed = new ContinuousSincosEmbed({ hidden_dim, input_dim, max_wavelength });
    this.domainBiases = byDomain(() => new MLP({ input_dim: hidden_dim, hidden_dim, output_dim: hidden_dim }));
    this.physicsBlocks = new nn.ModuleList(this.config.physics_blocks.map((kind) => this.physicsBlock(kind)));
    this.encoder = hasPerceiver ? new SupernodePooling(pooling!) : null;
    this.geometryBlocks = hasPerceiver
      ? new nn.ModuleList(times(this.config.geometry_depth, () => new TransformerBlock(block)))
      : null;
    this.domainDecoderBlocks = byDomain(
      (domain) =>
        new nn.ModuleList(
          times(
            this.config.num_domain_decoder_blocks[domain]!,
            () => new TransformerBlock(block, anchors("self", [domain])),
          ),
        ),
    );
    this.domainDecoderProjections = byDomain(
      (_, output_dim) => new LinearProjection({ input_dim: hidden_dim, output_dim, init_weights: "truncnormal002" }),
    );
  }

  private physicsBlock(kind: PhysicsBlock): TransformerBlock | PerceiverBlock {
    const { transformer_block_config, perceiver_block_config, untied_square_weights: square_weights } = this.config;
    const [what, isUntied] = kind.endsWith("_untied") ? [kind.slice(0, -"_untied".length), true] : [kind, false];
    const num_types = this.domains.length;
    if (what === "perceiver") {
      return isUntied
        ? new UntiedPerceiverBlock({ num_types, perceiver_block_config, square_weights })
        : new PerceiverBlock(perceiver_block_config);
    }
    const attention = anchors(what as keyof typeof ANCHOR_ATTENTION, this.domains);
    return isUntied
      ? new UntiedTransformerBlock(
          { num_types, transformer_block: transformer_block_config, square_weights },
          attention,
        )
      : new TransformerBlock(transformer_block_config, attention);
  }

  /** Takes weights of release 1.1 of the Python framework, too. */
  override loadStateDict(state: nn.StateDict, options: { strict?: boolean } = {}): nn.LoadResult {
    return loadEitherRelease(this, state, (current) => super.loadStateDict(current, options));
  }

  /**
   * Adjusts what is computed to weights of a model with another config. Those of release 2026.4 of the Python framework, whose configs
   * lack `untied_square_weights` and `perceiver_block_config`, multiply and normalise as they were trained.
   */
  adoptStoredConfig(stored: Readonly<Record<string, unknown>>): void {
    if (!("untied_square_weights" in stored) && !isGiven(this.config, "untied_square_weights")) {
      this.config.untied_square_weights = "upstream";
      for (const module of this.modules()) if (module instanceof UntiedLinear) module.squareWeights = "upstream";
    }
    if (!("perceiver_block_config" in stored)) this.adoptPerceiverEps();
  }

  /** There, perceiver blocks have the default `eps`, whatever `transformer_block_config` says. */
  private adoptPerceiverEps(): void {
    const { perceiver_block_config: perceiver, transformer_block_config: block } = this.config;
    const saysItself = perceiver.eps !== block.eps;
    if (saysItself) return;
    perceiver.eps = PerceiverBlockConfig.fields.eps.parse(undefined);
    for (const module of this.physicsBlocks) {
      if (!(module instanceof PerceiverBlock)) continue;
      for (const norm of [module.norm1q, module.norm1kv, module.norm2]) norm.eps = perceiver.eps;
    }
  }

  /** Names of the domains, in the order of their tokens. */
  get domains(): string[] {
    return Object.keys(this.config.data_specs.domains);
  }

  /**
   * Fields at anchors and queries, domain by domain; per field the anchors come first. With `kv_cache` the fields at the queries alone.
   *
   * @throws ValueError unless either anchors or a cache is given, each with what it needs
   */
  override forward(inputs: ABUPTInputs): Fields {
    return scope(() => {
      const tokens = this.tokens(inputs);
      const { kv_cache: cache = null } = inputs;
      const condition = joinConditions(inputs) ?? cache?.condition ?? null;
      const geometry = cache === null ? this.encodeGeometry(inputs, tokens, condition) : null;
      return this.evaluate(tokens, { condition, geometry, cache, kept: null });
    });
  }

  /**
   * Computes geometry and anchors once, for any number of calls of {@link forward} with the cache, or of {@link query}. Gradients flow
   * through the cache where they are recorded.
   *
   * @returns fields at the anchors and all that queries attend to; free the cache with `dispose()`
   */
  encodeAnchors(inputs: GeometryInputs & ConditionInputs & AnchorInputs): EncodedAnchors {
    return scope(() => {
      const tokens = this.tokens(inputs, { withQueries: false });
      const condition = joinConditions(inputs);
      const geometry = this.encodeGeometry(inputs, tokens, condition);
      const kept = { physics: [], decoders: {} };
      const fields = this.evaluate(tokens, { condition, geometry, cache: null, kept });
      return keep({ fields, cache: new ABUPTCache(kept.physics, kept.decoders, condition && condition.clone()) });
    });
  }

  /** Fields `query_<domain>_<field>` at further points of an encoded geometry. */
  query(anchors: EncodedAnchors, inputs: QueryInputs): Fields {
    return this.forward({ ...inputs, kv_cache: anchors.cache });
  }

  /** The token groups of all domains. */
  private tokens(inputs: ABUPTInputs, { withQueries = true } = {}): DomainTokens[] {
    const isCached = inputs.kv_cache !== undefined && inputs.kv_cache !== null;
    const given = positionsOf(this.domains, inputs).map((domain) =>
      withQueries ? domain : { ...domain, queries: null },
    );
    const hasAnchors = given.some(({ anchors }) => anchors !== null);
    if (isCached === hasAnchors) {
      refuse(
        `expected either anchors (domain_anchor_positions) or kv_cache, got ${isCached ? "both" : "none of them"}`,
      );
    }
    if (isCached) {
      if (inputs.geometry_position ?? inputs.geometry_supernode_idx ?? inputs.geometry_batch_idx)
        refuse("the geometry is part of kv_cache; leave geometry_position and its indices out");
      if (given.every(({ queries }) => queries === null))
        refuse("with kv_cache, expected domain_query_positions, got none");
      this.checkCache(inputs.kv_cache!);
    }
    return given.map((domain) => domainTokens(domain, isCached));
  }

  private checkCache({ physics, decoders }: ABUPTCache): void {
    const counts = [
      ["physics blocks", physics.length, this.physicsBlocks.length],
      ...this.domains.map((domain) => [
        `decoder blocks of ${domain}`,
        decoders[domain]?.length ?? 0,
        this.domainDecoderBlocks.get(domain).length,
      ]),
    ] as [string, number, number][];
    for (const [what, found, expected] of counts)
      if (found !== expected) refuse(`kv_cache is of another model: expected ${expected} ${what}, got ${found}`);
  }

  /** The encoded geometry; null when no block attends to it. */
  private encodeGeometry(
    inputs: GeometryInputs,
    domains: readonly DomainTokens[],
    condition: Tensor | null,
  ): Geometry | null {
    if (this.encoder === null || this.geometryBlocks === null) return null;
    const { geometry_position, geometry_supernode_idx, geometry_batch_idx } = inputs;
    if (!geometry_position || !geometry_supernode_idx)
      refuse("perceiver blocks attend to the geometry: expected geometry_position and geometry_supernode_idx");
    let tokens = this.encoder.forward({
      inputPos: geometry_position,
      supernodeIdx: geometry_supernode_idx,
      batchIdx: geometry_batch_idx,
      batchSize: domains.flatMap(({ positions }) => positions)[0]?.size(0),
    }); // (B, S, D)
    const supernodes = geometry_position.indexSelect(0, geometry_supernode_idx).unflatten(0, [tokens.size(0), -1]); // (B, S, P)
    const freqs = this.rope.table(supernodes);
    for (const block of this.geometryBlocks) tokens = block.forward(tokens, { condition, attnKwargs: { freqs } });
    return { tokens, freqs };
  }

  /** Physics blocks on the tokens of all domains, then the decoders of each. */
  private evaluate(domains: readonly DomainTokens[], context: Context): Fields {
    const freqs = this.rope.table(joined(domains.flatMap(({ positions }) => positions)));
    let x = joined(
      domains.flatMap(({ domain, positions }) => (positions.length > 0 ? this.embed(domain, positions) : [])),
    ); // (B, N, D)
    const tokenSpecs = domains.flatMap(({ specs }) => specs);
    [...this.physicsBlocks].forEach((block, i) => {
      x = this.physics(block, x, tokenSpecs, freqs, { ...context, index: i });
    });

    const fields: Fields = {};
    let start = 0;
    for (const { domain, specs, positions } of domains) {
      const count = positions.reduce((sum, position) => sum + position.size(1), 0);
      if (positions.length === 0 && context.kept === null) continue;
      let y = x.narrow(1, start, count); // (B, n, D)
      const table = narrowTable(freqs, start, count);
      const kept: KeyValueCache[] = [];
      [...this.domainDecoderBlocks.get(domain)].forEach((block, i) => {
        const kvCache = context.cache?.decoders[domain]![i];
        const attnKwargs = { tokenSpecs: specs, freqs: table, kvCache };
        y = this.anchorBlock(block, y, attnKwargs, context, kept);
      });
      if (context.kept) context.kept.decoders[domain] = kept;
      if (positions.length > 0) {
        const channels = this.domainDecoderProjections.get(domain).forward(y); // (B, n, C)
        Object.assign(fields, this.split(domain, channels, specs));
      }
      start += count;
    }
    return fields;
  }

  /** Embedded positions of a domain, (B, n, D). */
  private embed(domain: string, positions: readonly Tensor[]): Tensor {
    const bias = this.domainBiases.get(domain);
    const [{ dtype }] = bias.parameters() as [Tensor];
    return bias.forward(this.posEmbed.forward(joined(positions)).to(dtype));
  }

  private physics(
    block: TransformerBlock | PerceiverBlock,
    x: Tensor,
    tokenSpecs: readonly TokenSpec[],
    freqs: RopeTable,
    context: Context & { readonly index: number },
  ): Tensor {
    const { condition, geometry, cache, kept, index } = context;
    const kvCache = cache?.physics[index];
    if (!(block instanceof PerceiverBlock)) {
      return this.anchorBlock(block, x, { tokenSpecs, freqs, kvCache }, context, kept?.physics ?? []);
    }
    let kv: Tensor | KeysValues = kvCache?.[GEOMETRY] ?? geometry!.tokens;
    if (kept) {
      kv = copied(block.keysValues(geometry!.tokens, { condition, kFreqs: geometry!.freqs }));
      kept.physics.push({ [GEOMETRY]: kv });
    }
    const kFreqs = "k" in kv ? undefined : geometry!.freqs;
    return block.forward(x, kv, { condition, attnKwargs: { tokenSpecs, qFreqs: freqs, kFreqs } });
  }

  private anchorBlock(
    block: TransformerBlock,
    x: Tensor,
    attnKwargs: { tokenSpecs: readonly TokenSpec[]; freqs: RopeTable; kvCache?: KeyValueCache },
    { condition, kept }: Context,
    into: KeyValueCache[],
  ): Tensor {
    if (kept === null) return block.forward(x, { condition, attnKwargs });
    const [y, cache] = block.forwardWithCache(x, { condition, attnKwargs });
    into.push(Object.fromEntries(Object.entries(cache ?? {}).map(([name, group]) => [name, copied(group)])));
    return y;
  }

  /** Cuts the channels of a domain (B, n, C) into fields and its tokens into anchors and queries. */
  private split(domain: string, y: Tensor, specs: readonly TokenSpec[]): Fields {
    const fields: Fields = {};
    for (const [field, [start, end]] of fieldSlices(this.config.data_specs.domains[domain]!.output_dims)) {
      let token = 0;
      for (const { name, size } of specs) {
        if (size === null) continue;
        const prefix = name.endsWith("_queries") ? "query_" : "";
        fields[`${prefix}${domain}_${field}`] = y.narrow(-1, start, end - start).narrow(1, token, size); // (B, size, dim)
        token += size;
      }
    }
    return fields;
  }
}

/** Builds a block's attention among some domains. */
function anchors(kind: keyof typeof ANCHOR_ATTENTION, branches: readonly string[]) {
  type Config = ConstructorParameters<(typeof ANCHOR_ATTENTION)[typeof kind]>[0];
  return {
    attention: (config: Omit<Config, "branches">) =>
      new ANCHOR_ATTENTION[kind]({ ...config, branches: [...branches] } as Config),
  };
}

/** The token groups of a domain: its anchors always, in the cache or perhaps none, and its queries where given. */
function domainTokens({ domain, anchors, queries }: DomainPositions, isCached: boolean): DomainTokens {
  const specs: TokenSpec[] = [{ name: `${domain}_anchors`, size: isCached ? null : (anchors?.size(1) ?? 0) }];
  if (queries !== null) specs.push({ name: `${domain}_queries`, size: queries.size(1) });
  return { domain, specs, positions: [anchors, queries].filter((position) => position !== null) };
}

/** A copy of its own memory, not of a larger tensor's. */
function copied({ k, v }: KeysValues): KeysValues {
  return { k: k.clone(), v: v.clone() };
}

/** Tensors (B, n, C) one after the other along the tokens. */
function joined(parts: readonly Tensor[]): Tensor {
  return parts.length === 1 ? parts[0]! : cat([...parts], 1);
}

/** The condition (B, C); null when there is none. */
function joinConditions(inputs: ConditionInputs): Tensor | null {
  const parts = conditionParts(inputs);
  return parts.length === 0 ? null : cat(parts, -1);
}

register("noether.modeling.models.AnchoredBranchedUPT", {
  class: AnchoredBranchedUPT,
  aliases: ["noether.modeling.models.ab_upt.AnchoredBranchedUPT"],
});
