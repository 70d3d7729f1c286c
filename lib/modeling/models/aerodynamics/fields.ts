import type { z } from "zod";
import { ValueError } from "../../../config/python-errors";
import { isGiven, literal } from "../../../config/schema";
import { fieldSlices, totalDim } from "../../../core/data-specs/field-dim-spec";
import { totalOutputDim } from "../../../core/data-specs/model-data-specs";
import type { ModelDataSpecs } from "../../../core/data-specs/model-data-specs";
import { cat } from "../../../torch";
import type { Tensor } from "../../../torch";
import { LinearProjection, type ContinuousSincosEmbed } from "../../modules/layers";
import { MLP } from "../../modules/mlp";

/**
 * Which channels of the head the fields of the volume have: "own", those after the surface's; or "shared", the first ones, as release
 * 2026.4 of the Python framework reads them: weights that were trained there need it.
 */
export const VolumeChannels = literal("own", "shared");

/** What the config classes of the models without a branch for each domain have. */
export const aeroFields = {
  /** Channels of the head that the volume's fields have: those after the surface's, or (release 2026.4) the first ones. */
  volume_channels: VolumeChannels.default("own"),
};

/** For `adoptStoredConfig`: weights of the Python framework, whose configs lack the key, read the volume's fields as they were trained. */
export function adoptVolumeChannels(
  config: { volume_channels: z.output<typeof VolumeChannels> },
  stored: Readonly<Record<string, unknown>>,
): void {
  if (!("volume_channels" in stored) && !isGiven(config, "volume_channels")) config.volume_channels = "shared";
}

/** Reports domains that these models do not predict. */
export function requireSurfaceAndVolume(
  { data_specs }: { readonly data_specs: ModelDataSpecs },
  report: (message: string, ...path: string[]) => void,
): void {
  for (const domain of Object.keys(data_specs.domains)) {
    if (domain !== "surface" && domain !== "volume")
      report('this model predicts the domains "surface" and "volume" only', "data_specs", "domains", domain);
  }
  if (totalOutputDim(data_specs) === 0) report("the model needs outputs", "data_specs", "domains");
}

/** Channels of the features of a domain, where the data specs use them. */
export function featureDim(specs: ModelDataSpecs, domain: "surface" | "volume"): number {
  return specs.use_physics_features ? totalDim(specs.domains[domain]?.feature_dim) : 0;
}

/** Embeds the features of a domain; null without. */
export function featureProjection(
  specs: ModelDataSpecs,
  domain: "surface" | "volume",
  hidden_dim: number,
): LinearProjection | null {
  const input_dim = featureDim(specs, domain);
  return input_dim > 0
    ? new LinearProjection({ input_dim, output_dim: hidden_dim, init_weights: "truncnormal002" })
    : null;
}

/** The MLP of a domain's tokens. */
export function biasMlp(hidden_dim: number): MLP {
  return new MLP({ input_dim: hidden_dim, hidden_dim, output_dim: hidden_dim });
}

/** Tokens (B, n, D) with their features (B, n, F) added, where both are there; features of one domain alone count. */
export function withFeatures(x: Tensor, project: LinearProjection | null, features: Tensor | null | undefined): Tensor {
  return project && features ? x.add(project.forward(features)) : x;
}

/** Channels (B, N, C) as fields, the first `surfaceCount` tokens on the surface. */
export function gatherFields(
  y: Tensor,
  surfaceCount: number,
  { data_specs, volume_channels }: { readonly data_specs: ModelDataSpecs; readonly volume_channels: "own" | "shared" },
): Record<string, Tensor> {
  const { surface, volume } = data_specs.domains;
  const fields: Record<string, Tensor> = {};
  const gather = (domain: string, dims: Record<string, number>, tokens: Tensor, offset: number) => {
    for (const [field, [start, end]] of fieldSlices(dims))
      fields[`${domain}_${field}`] = tokens.narrow(-1, offset + start, end - start);
  };
  if (surface) gather("surface", surface.output_dims, y.narrow(1, 0, surfaceCount), 0);
  if (volume) {
    const offset = volume_channels === "own" ? totalDim(surface?.output_dims) : 0;
    gather("volume", volume.output_dims, y.narrow(1, surfaceCount, y.size(1) - surfaceCount), offset);
  }
  return fields;
}

/** Batch of `AeroTransformer.forward` and `AeroTransolver.forward`, by the names of batch keys. */
export interface AeroPointInputs {
  /** (B, n, P) */
  readonly surface_position: Tensor;
  readonly volume_position: Tensor;
  /** (B, n, F), with physics features. */
  readonly surface_features?: Tensor | null;
  readonly volume_features?: Tensor | null;
}

/** The layers that embed points of both domains. */
interface PointEmbedding {
  readonly posEmbed: ContinuousSincosEmbed;
  readonly surfaceBias: MLP;
  readonly volumeBias: MLP;
  readonly projectSurfaceFeatures: LinearProjection | null;
  readonly projectVolumeFeatures: LinearProjection | null;
}

/** @throws ValueError where the batch lacks it: `undefined` would fail inside a layer, without a name. */
export function positionsOf<Key extends string>(inputs: Readonly<Record<Key, Tensor>>, key: Key): Tensor {
  const positions: Tensor | undefined = inputs[key];
  if (positions) return positions;
  throw new ValueError(
    `expected "${key}" in the batch, received none: name it in forward_properties (a domain without points has (B, 0, P))`,
  );
}

/** The points of the surface, then those of the volume, as one sequence (B, N, D): positions, features, an MLP for each domain. */
export function embedPoints(model: PointEmbedding, inputs: AeroPointInputs): Tensor {
  const { posEmbed, surfaceBias, volumeBias, projectSurfaceFeatures, projectVolumeFeatures } = model;
  const surface = withFeatures(
    posEmbed.forward(positionsOf(inputs, "surface_position")),
    projectSurfaceFeatures,
    inputs.surface_features,
  );
  const volume = withFeatures(
    posEmbed.forward(positionsOf(inputs, "volume_position")),
    projectVolumeFeatures,
    inputs.volume_features,
  );
  return cat([surfaceBias.forward(surface), volumeBias.forward(volume)], 1); // (B, N, D)
}
