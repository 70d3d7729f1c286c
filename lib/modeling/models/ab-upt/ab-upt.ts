import type { z } from "zod";
import { register } from "../../../config/registry";
import { ValueError } from "../../../config/python-errors";
import { validateConfig } from "../../../config/schema";
import { totalDim } from "../../../core/data-specs/field-dim-spec";
import { cat, keep, nn, scope } from "../../../torch";
import type { Tensor } from "../../../torch";
import { narrowTable } from "../../functional/rope";
import type { RopeTable } from "../../functional/rotate";
import { AnchorMemory, CrossAnchorAttention, JointAnchorAttention, SelfAnchorAttention } from "../../modules/attention";
import type { KeysValues, TokenSpec } from "../../modules/attention";
import { PerceiverBlock, TransformerBlock } from "../../modules/blocks";
import { SupernodePooling } from "../../modules/encoders";
import { ContinuousSincosEmbed, LinearProjection, RopeFrequency } from "../../modules/layers";
import { MLP } from "../../modules/mlp";
import { AnchorBranchedUPTConfig } from "./config";

/** The two branches, in the order of their tokens. */
const BRANCHES = ["surface", "volume"] as const;
type Branch = (typeof BRANCHES)[number];

const ANCHOR_ATTENTION = {
  shared: SelfAnchorAttention,
  cross: CrossAnchorAttention,
  joint: JointAnchorAttention,
} as const;

/** The geometry and the condition: the part of the inputs that all points have in common. */
export interface GeometryInputs {
  /** (ΣN, P), points of all samples one after the other. */
  readonly geometry_position: Tensor;
  /** (B · S,) int64, indices of the supernodes, sample by sample. */
  readonly geometry_supernode_idx: Tensor;
  /** (ΣN,) int64, sample of each point; null only for one sample. */
  readonly geometry_batch_idx?: Tensor | null;
  /** (B, c) or (B, 1, c) */
  readonly geometry_design_parameters?: Tensor | null;
  /** (B, c) or (B, 1, c) */
  readonly inflow_design_parameters?: Tensor | null;
}

/** Positions whose points attend to each other and that the model is trained on. */
export interface AnchorInputs {
  /** (B, A, P) */
  readonly surface_anchor_position: Tensor;
  readonly volume_anchor_position: Tensor;
}

/** Positions of other points, which attend to the anchors only. */
export interface QueryInputs {
  /** (B, Q, P) */
  readonly query_surface_position?: Tensor | null;
  readonly query_volume_position?: Tensor | null;
}

/** Batch of {@link AnchoredBranchedUPT.forward}, by the names of batch keys. */
export type ABUPTInputs = GeometryInputs & AnchorInputs & QueryInputs;

/** Fields by name: `surface_<field>`, `query_surface_<field>`, `volume_<field>`, `query_volume_<field>`, each (B, points, channels). */
export type Fields = Record<string, Tensor>;

/** Token groups of one branch and their positions, one after the other. */
interface BranchTokens {
  readonly branch: Branch;
  readonly specs: readonly TokenSpec[];
  /** (B, N, P) */
  readonly position: Tensor;
}

/** What the points of both branches attend to besides each other. */
interface Context {
  readonly condition: Tensor | null;
  /** What perceiver blocks attend to: the encoded geometry with its frequencies, or keys and values of each block. */
  readonly geometry:
    { readonly tokens: Tensor; readonly freqs: RopeTable } | ReadonlyMap<PerceiverBlock, KeysValues> | null;
  readonly memory?: AnchorMemory;
}

/** A geometry with its anchors, computed once: see {@link AnchoredBranchedUPT.encodeAnchors}. */
export class EncodedAnchors {
  constructor(
    /** Fields at the anchors. */
    readonly fields: Fields,
    /** @internal */ readonly context: Context & { readonly memory: AnchorMemory },
  ) {}

  /** Frees keys and values; the fields stay. */
  dispose(): void {
    this.context.memory.dispose();
    this.context.condition?.dispose();
    const { geometry } = this.context;
    if (geometry === null || "tokens" in geometry) return;
    for (const { k, v } of geometry.values()) {
      k.dispose();
      v.dispose();
    }
  }
}

/**
 * Anchored-Branched Universal Physics Transformer (AB-UPT, https://arxiv.org/abs/2502.09692).
 *
 * The geometry is pooled into supernodes and encoded by transformer blocks. Points on the surface and in the volume are two branches of
 * one sequence; their physics blocks attend to the geometry ("perceiver"), to the anchors of their own branch ("shared"), of the other
 * ("cross"), or of both ("joint"). Each branch ends in decoder blocks of its own. Anchors are points that all others may attend to;
 * queries attend to anchors only, so any number of them can be evaluated.
 */
export class AnchoredBranchedUPT extends nn.Module {
  static readonly schema: z.ZodType = AnchorBranchedUPTConfig;
  readonly rope: RopeFrequency;
  readonly posEmbed: ContinuousSincosEmbed;
  readonly encoder: SupernodePooling;
  readonly geometryBlocks: nn.ModuleList<TransformerBlock>;
  readonly surfaceBias: MLP;
  readonly volumeBias: MLP;
  readonly physicsBlocks: nn.ModuleList<TransformerBlock | PerceiverBlock>;
  readonly surfaceDecoderBlocks: nn.ModuleList<TransformerBlock>;
  readonly volumeDecoderBlocks: nn.ModuleList<TransformerBlock>;
  readonly surfaceDecoder: LinearProjection;
  readonly volumeDecoder: LinearProjection;
  readonly config: AnchorBranchedUPTConfig;

  constructor(config: z.input<typeof AnchorBranchedUPTConfig>) {
    super();
    this.config = validateConfig(AnchorBranchedUPTConfig, config);
    const { hidden_dim, data_specs, transformer_block_config: block, perceiver_block_config: perceiver } = this.config;
    const input_dim = data_specs.position_dim;
    const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
    const anchorBlock = (kind: keyof typeof ANCHOR_ATTENTION, branches: readonly string[]) =>
      new TransformerBlock(block, {
        attention: (attention) => new ANCHOR_ATTENTION[kind]({ ...attention, branches: [...branches] }),
      });
    const outputLayer = (output_dim: number) =>
      new LinearProjection({ input_dim: hidden_dim, output_dim, init_weights: "truncnormal002" });
    const biasMlp = () => new MLP({ input_dim: hidden_dim, hidden_dim, output_dim: hidden_dim });

    this.rope = new RopeFrequency({ hidden_dim: hidden_dim / block.num_heads, input_dim, implementation: "complex" });
    this.posEmbed = new ContinuousSincosEmbed({ hidden_dim, input_dim });
    this.encoder = new SupernodePooling(this.config.supernode_pooling_config);
    this.geometryBlocks = new nn.ModuleList(times(this.config.geometry_depth, () => new TransformerBlock(block)));
    this.surfaceBias = biasMlp();
    this.volumeBias = biasMlp();
    this.physicsBlocks = new nn.ModuleList<TransformerBlock | PerceiverBlock>(
      this.config.physics_blocks.map((kind) =>
        kind === "perceiver" ? new PerceiverBlock(perceiver) : anchorBlock(kind, BRANCHES),
      ),
    );
    this.surfaceDecoderBlocks = new nn.ModuleList(
      times(this.config.num_surface_blocks, () => anchorBlock("shared", ["surface"])),
    );
    this.volumeDecoderBlocks = new nn.ModuleList(
      times(this.config.num_volume_blocks, () => anchorBlock("shared", ["volume"])),
    );
    this.surfaceDecoder = outputLayer(totalDim(data_specs.surface_output_dims));
    this.volumeDecoder = outputLayer(totalDim(data_specs.volume_output_dims));
  }

  /** Fields at anchors and queries; per field the anchors come first, surface fields before volume fields. */
  override forward(inputs: ABUPTInputs): Fields {
    return scope(() => {
      const condition = joinConditions(inputs);
      const geometry = this.encodeGeometry(inputs, condition);
      return this.evaluate(inputs, { condition, geometry });
    });
  }

  /**
   * Computes geometry and anchors once, for any number of {@link query} calls. Meant for inference: no gradients flow through it.
   *
   * @returns fields at the anchors and all that queries attend to; free it with `dispose()`
   */
  encodeAnchors(inputs: GeometryInputs & AnchorInputs): EncodedAnchors {
    return scope(() => {
      const condition = joinConditions(inputs);
      const encoded = this.encodeGeometry(inputs, condition);
      const geometry = encoded && this.geometryKeysValues(encoded, condition);
      const context = { condition: condition && keep(condition.clone()), geometry, memory: new AnchorMemory() };
      const { surface_anchor_position, volume_anchor_position } = inputs;
      return new EncodedAnchors(
        keepAll(this.evaluate({ surface_anchor_position, volume_anchor_position }, context)),
        context,
      );
    });
  }

  /** Fields `query_surface_<field>` and `query_volume_<field>` at other points of an encoded geometry. */
  query(anchors: EncodedAnchors, inputs: QueryInputs): Fields {
    return scope(() => this.evaluate(inputs, anchors.context));
  }

  /** The geometry as tokens with rotary frequencies; null when no block attends to it. */
  private encodeGeometry(
    inputs: GeometryInputs,
    condition: Tensor | null,
  ): { tokens: Tensor; freqs: RopeTable } | null {
    if (!this.physicsBlocks.map((block) => block instanceof PerceiverBlock).includes(true)) return null;
    const { geometry_position, geometry_supernode_idx, geometry_batch_idx } = inputs;
    let tokens = this.encoder.forward({
      inputPos: geometry_position,
      supernodeIdx: geometry_supernode_idx,
      batchIdx: geometry_batch_idx,
    }); // (B, S, D)
    const supernodes = geometry_position.indexSelect(0, geometry_supernode_idx).unflatten(0, [tokens.size(0), -1]); // (B, S, P)
    const freqs = this.rope.table(supernodes);
    for (const block of this.geometryBlocks) tokens = block.forward(tokens, { condition, attnKwargs: { freqs } });
    return { tokens, freqs };
  }

  private geometryKeysValues(
    { tokens, freqs }: { tokens: Tensor; freqs: RopeTable },
    condition: Tensor | null,
  ): Map<PerceiverBlock, KeysValues> {
    const keysValues = new Map<PerceiverBlock, KeysValues>();
    for (const block of this.physicsBlocks) {
      if (!(block instanceof PerceiverBlock)) continue;
      const { k, v } = block.keysValues(tokens, { condition, kFreqs: freqs });
      keysValues.set(block, { k: keep(k.clone()), v: keep(v.clone()) });
    }
    return keysValues;
  }

  /** Physics blocks on the tokens of both branches, then the decoders of each. */
  private evaluate(inputs: Partial<AnchorInputs> & QueryInputs, { condition, geometry, memory }: Context): Fields {
    const branches = BRANCHES.map((branch) => branchTokens(branch, inputs)).filter((tokens) => tokens !== null);
    const freqs = this.rope.table(joined(branches.map(({ position }) => position))); // both branches
    let x = joined(
      branches.map(({ branch, position }) => this.biasOf(branch).forward(this.posEmbed.forward(position))),
    ); // (B, N, D)

    const tokenSpecs = branches.flatMap(({ specs }) => specs);
    for (const block of this.physicsBlocks) {
      if (block instanceof PerceiverBlock) {
        const [kv, kFreqs] =
          "tokens" in geometry! ? [geometry.tokens, geometry.freqs] : [geometry!.get(block)!, undefined];
        x = block.forward(x, kv, { condition, attnKwargs: { qFreqs: freqs, kFreqs } });
      } else {
        x = block.forward(x, { condition, attnKwargs: { tokenSpecs, freqs, memory } });
      }
    }

    const fields: Fields = {};
    let start = 0;
    for (const { branch, specs, position } of branches) {
      const count = position.size(1);
      const attnKwargs = { tokenSpecs: specs, freqs: narrowTable(freqs, start, count), memory };
      const [blocks, outputLayer] =
        branch === "surface"
          ? [this.surfaceDecoderBlocks, this.surfaceDecoder]
          : [this.volumeDecoderBlocks, this.volumeDecoder];
      let y = x.narrow(1, start, count); // (B, n, D)
      for (const block of blocks) y = block.forward(y, { condition, attnKwargs });
      Object.assign(fields, this.split(branch, outputLayer.forward(y), specs));
      start += count;
    }
    return fields;
  }

  private biasOf(branch: Branch): MLP {
    return branch === "surface" ? this.surfaceBias : this.volumeBias;
  }

  /** Cuts the channels of a branch (B, n, C) into fields and its tokens into anchors and queries. */
  private split(branch: Branch, y: Tensor, specs: readonly TokenSpec[]): Fields {
    const dims = this.config.data_specs[`${branch}_output_dims`]!;
    const fields: Fields = {};
    let channel = 0;
    for (const [name, dim] of Object.entries(dims)) {
      if (dim <= 0) continue;
      let token = 0;
      for (const { name: group, size } of specs) {
        const prefix = group.endsWith("_queries") ? "query_" : "";
        fields[`${prefix}${branch}_${name}`] = y.narrow(-1, channel, dim).narrow(1, token, size); // (B, size, dim)
        token += size;
      }
      channel += dim;
    }
    return fields;
  }
}

/** Anchors and queries of a branch that are present; null when there are none. */
function branchTokens(branch: Branch, inputs: Partial<AnchorInputs> & QueryInputs): BranchTokens | null {
  const groups = [
    { name: `${branch}_anchors`, position: inputs[`${branch}_anchor_position`] },
    { name: `${branch}_queries`, position: inputs[`query_${branch}_position`] },
  ];
  const present: { name: string; position: Tensor }[] = [];
  for (const { name, position } of groups) {
    if (!position) continue;
    if (position.ndim !== 3) {
      throw new ValueError(
        `AnchoredBranchedUPT: positions of ${name} must have shape (B, N, P), got (${position.shape.join(", ")})`,
      );
    }
    present.push({ name, position });
  }
  if (present.length === 0) return null;
  return {
    branch,
    specs: present.map(({ name, position }) => ({ name, size: position.size(1) })),
    position: joined(present.map(({ position }) => position)),
  };
}

/** Tensors (B, n, C) one after the other along the tokens. */
function joined(parts: readonly Tensor[]): Tensor {
  return parts.length === 1 ? parts[0]! : cat([...parts], 1);
}

/** Geometry and inflow parameters side by side, (B, C); null when there are none. */
function joinConditions({ geometry_design_parameters, inflow_design_parameters }: GeometryInputs): Tensor | null {
  const given = [geometry_design_parameters, inflow_design_parameters].filter(
    (part) => part !== undefined && part !== null,
  );
  if (given.length === 0) return null;
  return cat(
    given.map((part) => (part.ndim === 3 ? part.squeeze(1) : part)),
    -1,
  );
}

function keepAll(fields: Fields): Fields {
  for (const field of Object.values(fields)) keep(field);
  return fields;
}

register("noether.modeling.models.AnchoredBranchedUPT", {
  class: AnchoredBranchedUPT,
  aliases: ["noether.modeling.models.ab_upt.AnchoredBranchedUPT"],
});
