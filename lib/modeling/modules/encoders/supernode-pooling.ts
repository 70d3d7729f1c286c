import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { bool, defineConfig, float, int, literal, optional, validateConfig } from "../../../config/schema";
import { arange, cat, full, nn, scope, zeros } from "../../../torch";
import type { Tensor } from "../../../torch";
import { knn, radius } from "../../functional/geometric";
import { knnTable, radiusTable } from "../../functional/neighbor-table";
import { poolSegments } from "../../functional/pool-segments";
import { InitWeightsMode } from "../../functional/init";
import { ContinuousSincosEmbed } from "../layers/continuous-sincos-embed";
import { LinearProjection } from "../layers/linear-projection";

/** Config of {@link SupernodePooling}. */
export const SupernodePoolingConfig = defineConfig("SupernodePoolingConfig", {
  extra: "forbid",
  fields: {
    /** Channels of a token. */
    hidden_dim: int({ ge: 1 }),
    /** Number of coordinates. */
    input_dim: int({ ge: 1 }),
    /** A supernode gathers the points within this distance … */
    radius: optional(float({ ge: 0 })),
    /** … or its k nearest points. Exactly one of both is set. */
    k: optional(int({ ge: 1 })),
    /** With a radius: most points that are gathered, those of the lowest index. */
    max_degree: int({ ge: 1 }).default(32),
    /** Positions in messages: those of both ends, their difference, or all. */
    spool_pos_mode: literal("abspos", "relpos", "absrelpos").default("abspos"),
    /** How weights are drawn at the beginning. */
    init_weights: InitWeightsMode.default("truncnormal002"),
    /** Join the gathered messages with the supernode's own embedding. */
    readd_supernode_pos: bool().default(true),
    /** How messages are gathered. */
    aggregation: literal("mean", "sum").default("mean"),
    /** What becomes of a message before it is gathered. */
    message_mode: literal("mlp", "linear", "identity").default("mlp"),
    /** Features per point besides its position; null: none. */
    input_features_dim: optional(int({ ge: 0 })),
  },
  check(config, report) {
    if ((config.radius === null) === (config.k === null)) report("exactly one of radius and k must be set", "radius");
    if (config.input_features_dim === 0) config.input_features_dim = null;
    if (config.input_features_dim !== null && config.spool_pos_mode === "absrelpos") {
      report('spool_pos_mode "absrelpos" does not take features', "input_features_dim");
    }
    if (config.message_mode === "identity" && config.readd_supernode_pos && config.spool_pos_mode !== "relpos") {
      report('message_mode "identity" with readd_supernode_pos needs spool_pos_mode "relpos"', "message_mode");
    }
  },
});
export type SupernodePoolingConfig = z.output<typeof SupernodePoolingConfig>;

/** Edges from points to supernodes, sorted by supernode. */
interface Edges {
  /** (E,) position of the supernode among the supernodes. */
  readonly supernode: Tensor;
  /** (E,) index of the point that sends the message. */
  readonly source: Tensor;
  /** Where each supernode has equally many places for edges, E = S·K: which of them are edges, (S, K) bool; null: all. */
  readonly places?: { readonly perSupernode: number; readonly valid: Tensor | null };
}

/** Channels of messages: given per point, per supernode, or per edge. */
interface MessagePart {
  readonly values: Tensor;
  readonly per: "point" | "supernode" | "edge";
}

/**
 * Pools a point cloud into supernodes (UPT, https://arxiv.org/abs/2402.12365): every supernode takes messages from the points around
 * it, `mean_{j ∈ N(i)} M([e_j, e_i])`, and is joined with its own embedding.
 *
 * The linear maps of the message network commute with gathering and averaging, `W [e_j, e_i] = W₁ e_j + W₂ e_i`, so they run on points
 * and supernodes instead of on edges.
 *
 * Shapes: positions (ΣN, P) of all samples one after the other, supernodes (S,), the same number for each sample → (B, S/B, D).
 */
export class SupernodePooling extends nn.Module {
  readonly posEmbed: ContinuousSincosEmbed;
  readonly featureProjection: LinearProjection | null = null;
  readonly featureDownProjection: LinearProjection | null = null;
  readonly relPosEmbed: ContinuousSincosEmbed | null = null;
  readonly message: nn.Module;
  readonly proj: LinearProjection | null;
  readonly config: SupernodePoolingConfig;
  /** Channels of a pooled supernode. */
  readonly outputDim: number;

  constructor(config: z.input<typeof SupernodePoolingConfig>) {
    super();
    this.config = validateConfig(SupernodePoolingConfig, config);
    const { hidden_dim, input_dim, spool_pos_mode, message_mode, input_features_dim, init_weights } = this.config;
    const linear = (dim: number) => new LinearProjection({ input_dim: dim, output_dim: hidden_dim, init_weights });
    const messageDim = { abspos: 2, relpos: 1, absrelpos: 3 }[spool_pos_mode] * hidden_dim;

    this.posEmbed = new ContinuousSincosEmbed({ hidden_dim, input_dim });
    if (input_features_dim !== null) {
      this.featureProjection = linear(input_features_dim);
      this.featureDownProjection = linear((spool_pos_mode === "relpos" ? 3 : 2) * hidden_dim);
    }
    if (spool_pos_mode !== "abspos")
      this.relPosEmbed = new ContinuousSincosEmbed({ hidden_dim, input_dim: input_dim + 1 });
    if (message_mode === "mlp") this.message = new nn.Sequential(linear(messageDim), new nn.GELU(), linear(hidden_dim));
    else this.message = message_mode === "linear" ? linear(messageDim) : new nn.Identity();
    this.proj = this.config.readd_supernode_pos ? linear(2 * hidden_dim) : null;
    this.outputDim = message_mode === "identity" && this.proj === null ? messageDim : hidden_dim;
  }

  override forward(inputs: {
    /** (ΣN, P) */
    inputPos: Tensor;
    /** (S,) int64, indices into `inputPos`, sample by sample, equally many for each. */
    supernodeIdx: Tensor;
    /** (ΣN,) int64, sample of each point; left out: one sample. */
    batchIdx?: Tensor | null;
    /** Samples in the batch; left out: read from `batchIdx`, for which the program waits where that is not on the CPU. */
    batchSize?: number;
    /** (ΣN, F) or (B, N, F), exactly when `input_features_dim` is set. */
    inputFeatures?: Tensor | null;
  }): Tensor {
    const { inputPos, supernodeIdx, batchIdx, inputFeatures } = inputs;
    this.validate(inputPos, supernodeIdx, inputFeatures);
    return scope(() => {
      const batchSize = batchIdx ? sampleCount(batchIdx, inputs.batchSize) : 1;
      if (supernodeIdx.size(0) % batchSize !== 0) {
        throw new ValueError(
          `SupernodePooling: supernodeIdx must hold equally many supernodes for each of the ${batchSize} samples, got ${supernodeIdx.size(0)}`,
        );
      }
      const edges = this.edges(inputPos, supernodeIdx, batchSize > 1 ? batchIdx! : null);
      const features = this.featureProjection?.forward(inputFeatures!.reshape([-1, inputFeatures!.size(-1)])) ?? null;
      const { parts, supernodes } = this.messageParts(inputPos, supernodeIdx, edges, features);
      let pooled = this.pool(parts, edges, supernodeIdx.size(0)); // (S, D)
      if (this.proj) pooled = this.proj.forward(cat([pooled, supernodes()], -1));
      return pooled.unflatten(0, [batchSize, -1]); // (B, S/B, D)
    });
  }

  /** Which points send messages to which supernodes. */
  private edges(inputPos: Tensor, supernodeIdx: Tensor, batchX: Tensor | null): Edges {
    const { k, radius: r, max_degree } = this.config;
    const supernodePos = inputPos.indexSelect(0, supernodeIdx);
    const batches = { batchX, batchY: batchX?.indexSelect(0, supernodeIdx) };
    if (inputPos.device !== "cpu") {
      // the number of edges is not known there without waiting
      const { index, valid } =
        k === null
          ? radiusTable(inputPos, supernodePos, r!, { ...batches, maxNumNeighbors: max_degree })
          : knnTable(inputPos, supernodePos, k, batches);
      const [count, perSupernode] = index.shape as [number, number];
      const supernode = arange(count, { dtype: "int64", device: index.device })
        .unsqueeze(1)
        .expand([-1, perSupernode])
        .reshape([-1]);
      return { supernode, source: index.reshape([-1]), places: { perSupernode, valid } }; // (S·K,)
    }
    const edges =
      k === null
        ? radius(inputPos, supernodePos, r!, { ...batches, maxNumNeighbors: max_degree })
        : knn(inputPos, supernodePos, k, batches);
    return { supernode: edges.select(0, 0), source: edges.select(0, 1) };
  }

  /** What the messages consist of, and the supernodes' own embedding (S, D). */
  private messageParts(
    inputPos: Tensor,
    supernodeIdx: Tensor,
    edges: Edges,
    features: Tensor | null,
  ): { parts: MessagePart[]; supernodes: () => Tensor } {
    const atSupernodes = (values: Tensor): MessagePart => ({
      values: values.indexSelect(0, supernodeIdx),
      per: "supernode",
    });
    const relative: MessagePart[] = this.relPosEmbed
      ? [{ values: this.relativeEmbedding(this.relPosEmbed, inputPos, supernodeIdx, edges), per: "edge" }]
      : [];
    if (this.config.spool_pos_mode === "relpos") {
      const supernodes = () => this.embed(this.posEmbed, inputPos.indexSelect(0, supernodeIdx));
      if (!features) return { parts: relative, supernodes };
      const joined: MessagePart[] = [...relative, { values: features, per: "point" }, atSupernodes(features)];
      return {
        parts: [{ values: linearOfParts(this.featureDownProjection!, joined, edges), per: "edge" }],
        supernodes,
      };
    }
    let embedding = this.embed(this.posEmbed, inputPos); // (ΣN, D)
    if (features) embedding = this.featureDownProjection!.forward(cat([embedding, features], -1));
    const own = atSupernodes(embedding);
    return { parts: [{ values: embedding, per: "point" }, own, ...relative], supernodes: () => own.values };
  }

  /** Sine-cosine code of `[p_i − p_j, |p_i − p_j|]` for every edge from point j to supernode i: (E, D). */
  private relativeEmbedding(
    embed: ContinuousSincosEmbed,
    inputPos: Tensor,
    supernodeIdx: Tensor,
    edges: Edges,
  ): Tensor {
    const target = supernodeIdx.indexSelect(0, edges.supernode);
    const offset = inputPos.indexSelect(0, target).sub(inputPos.indexSelect(0, edges.source)); // (E, P)
    return this.embed(embed, cat([offset, offset.norm(2, [-1], true)], -1));
  }

  /** Embedded coordinates in the dtype of the weights, where there are any. */
  private embed(embed: ContinuousSincosEmbed, coordinates: Tensor): Tensor {
    const embedding = embed.forward(coordinates);
    const [weight] = [this.proj ?? this.message].flatMap((module) => module.parameters());
    return weight ? embedding.to(weight.dtype) : embedding;
  }

  /** Messages through the message network, gathered at the supernodes: (S, D), zero where a supernode has no edge. */
  private pool(parts: readonly MessagePart[], edges: Edges, count: number): Tensor {
    const degree = degreeOf(edges, count).unsqueeze(-1); // (S, 1)
    const mean = this.config.aggregation === "mean";
    const gather = (messages: Tensor): Tensor => {
      const { places } = edges;
      if (places) return poolSegments(messages, places.perSupernode, { valid: places.valid, mean });
      const sum = sumAtSupernodes(messages, edges, count);
      return mean ? sum.div(degree.clamp(1).to(sum.dtype)) : sum;
    };
    if (this.config.message_mode === "identity") {
      return gather(
        cat(
          parts.map((part) => onEdges(part.values, part.per, edges)),
          -1,
        ),
      );
    }
    if (this.config.message_mode === "linear")
      return gather(linearOfParts(this.message as LinearProjection, parts, edges));

    const [first, , second] = [...(this.message as nn.Sequential)] as [LinearProjection, nn.GELU, LinearProjection];
    const hidden = gather(nn.functional.gelu(linearOfParts(first, parts, edges))); // (S, D)
    const { weight, bias } = second.project as nn.Linear;
    const times = mean ? degree.gt(0) : degree; // how often the bias was added
    const projected = nn.functional.linear(hidden, weight);
    return projected.add(bias!.to(projected.dtype).mul(times.to(projected.dtype)));
  }

  private validate(inputPos: Tensor, supernodeIdx: Tensor, inputFeatures: Tensor | null | undefined): void {
    const expect = (condition: boolean, message: string) => {
      if (!condition) throw new ValueError(`SupernodePooling: ${message}`);
    };
    const { input_dim, input_features_dim } = this.config;
    const shape = (tensor: Tensor) => `(${tensor.shape.join(", ")})`;
    expect(
      inputPos.ndim === 2 && inputPos.size(1) === input_dim,
      `inputPos must have shape (N, ${input_dim}), got ${shape(inputPos)}`,
    );
    expect(supernodeIdx.ndim === 1, `supernodeIdx must have shape (S,), got ${shape(supernodeIdx)}`);
    if (!inputFeatures) {
      expect(input_features_dim === null, `inputFeatures with ${input_features_dim} channels are missing`);
    } else {
      const fits =
        inputFeatures.size(-1) === input_features_dim && (inputFeatures.ndim === 2 || inputFeatures.ndim === 3);
      const expected =
        input_features_dim === null ? "none (input_features_dim is not set)" : `(N, ${input_features_dim})`;
      expect(fits, `expected inputFeatures ${expected}, got ${shape(inputFeatures)}`);
    }
  }
}

/** Number of samples in a batch. A number that is given is trusted where to check it would mean to wait for the device. */
function sampleCount(batchIdx: Tensor, given: number | undefined): number {
  if (given !== undefined && batchIdx.device !== "cpu") return given;
  const found = Number(batchIdx.max().item()) + 1;
  if (given !== undefined && given !== found)
    throw new ValueError(`SupernodePooling: expected batchIdx of ${given} samples, got ${found}`);
  return found;
}

/** Number of edges at each supernode: (S,). */
function degreeOf({ supernode, places }: Edges, count: number): Tensor {
  if (!places) return supernode.bincount(undefined, count);
  const { valid, perSupernode } = places;
  return valid?.sum(1) ?? full([count], perSupernode, { dtype: "int64", device: supernode.device });
}

/** Sums of the messages (E, D) of each supernode: (S, D), zero where a supernode has no edge. */
function sumAtSupernodes(messages: Tensor, { supernode }: Edges, count: number): Tensor {
  const { dtype, device } = messages;
  return zeros([count, messages.size(-1)], { dtype, device }).indexAdd(0, supernode, messages);
}

/** Values of a part on every edge: (E, C). */
function onEdges(values: Tensor, per: MessagePart["per"], edges: Edges): Tensor {
  if (per === "edge") return values;
  return values.indexSelect(0, per === "point" ? edges.source : edges.supernode);
}

/** `W [part; part; …] + b` on every edge, (E, D): each part meets its columns of W before it goes to the edges. */
function linearOfParts(linear: LinearProjection, parts: readonly MessagePart[], edges: Edges): Tensor {
  const { weight, bias } = linear.project as nn.Linear;
  const columns = weight.splitWithSizes(
    parts.map(({ values }) => values.size(-1)),
    1,
  );
  return parts
    .map(({ values, per }, i) => onEdges(nn.functional.linear(values, columns[i]!, i === 0 ? bias : null), per, edges))
    .reduce((sum, part) => sum.add(part));
}
