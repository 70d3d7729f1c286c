import type { z } from "zod";
import { register } from "../../config/registry";
import { bool, defineConfig, int, optional, str, validateConfig, type FieldType } from "../../config/schema";
import { ModelDataSpecs } from "../../core/data-specs/model-data-specs";
import { AeroStatsSchema } from "../stats/aero-stats";
import { ConcatSparseTensorCollator, DefaultCollator, SparseTensorOffsetCollator } from "./collators";
import { MultiStagePipeline } from "./multistage-pipeline";
import type { SampleCollator } from "./sample-collator";
import type { SampleProcessor } from "./sample-processor";
import {
  ConcatTensorSampleProcessor,
  DefaultTensorSampleProcessor,
  DuplicateKeysSampleProcessor,
  MomentNormalizationSampleProcessor,
  PointSamplingSampleProcessor,
  SupernodeSamplingSampleProcessor,
} from "./sample-processors";

/** Null is 0: none. */
const none = () => optional(int({ ge: 0 }));

/** Config of {@link AeroMultistagePipeline}. */
export const AeroCFDPipelineConfig = defineConfig("AeroCFDPipelineConfig", {
  extra: "forbid",
  fields: {
    /** Class of the pipeline. */
    kind: str(),
    /** Random points of the surface and of the volume; not used with anchors. */
    num_surface_points: int({ ge: 0 }),
    /** The same of the volume. */
    num_volume_points: int({ ge: 0 }),
    /** Points at which the fields are predicted, where these are not the input points (UPT). */
    num_surface_queries: none(),
    /** The same in the volume. */
    num_volume_queries: none(),
    /** Distances and normals as inputs. */
    use_physics_features: bool().default(false),
    /** Needed for the distances among the features. */
    dataset_statistics: optional(AeroStatsSchema),
    /** Draw the queries from all points; false: the input points are the queries. */
    sample_query_points: bool().default(true),
    /** Surface points that UPT pools into. */
    num_supernodes: int({ ge: 0 }).default(0),
    /** Geometry of AB-UPT: random surface points, and those among them that it pools into. */
    num_geometry_supernodes: none(),
    /** Random surface points that describe the geometry (AB-UPT). */
    num_geometry_points: none(),
    /** Anchor points of AB-UPT. */
    num_volume_anchor_points: none(),
    /** Anchor points on the surface (AB-UPT). */
    num_surface_anchor_points: none(),
    /** The same points of a sample each time; null: others in every epoch. */
    seed: optional(int()),
    /** What the model predicts: fields of the domains `surface` and `volume`. */
    data_specs: ModelDataSpecs,
  },
  check: (config, complain) => {
    const { data_specs, num_supernodes, num_geometry_points, num_geometry_supernodes } = config;
    const surfaceAnchors = config.num_surface_anchor_points ?? 0;
    const volumeAnchors = config.num_volume_anchor_points ?? 0;
    const positive = (key: keyof typeof config, why: string) => {
      if (!((config[key] as number | null) ?? 0)) complain(`expected an integer >= 1 ${why}, received none`, key);
    };
    for (const [domain, { feature_dim }] of Object.entries(data_specs.domains)) {
      if (domain !== "surface" && domain !== "volume")
        complain(
          `this pipeline has the domains surface and volume, not "${domain}": use noether.data.pipeline.DomainPipeline`,
          "data_specs",
          "domains",
          domain,
        );
      for (const key of config.use_physics_features ? Object.keys(feature_dim ?? {}) : [])
        if (!key.startsWith(`${domain}_`))
          complain(
            `expected the name of a feature of the ${domain} to begin with "${domain}_", received "${key}"`,
            "data_specs",
            "domains",
            domain,
          );
    }
    if (surfaceAnchors > 0 !== volumeAnchors > 0)
      complain(
        "anchors need a number for both num_surface_anchor_points and num_volume_anchor_points, or 0 for both",
        surfaceAnchors > 0 ? "num_volume_anchor_points" : "num_surface_anchor_points",
      );
    if (surfaceAnchors > 0 && volumeAnchors > 0) {
      positive("num_geometry_points", "with anchors");
      positive("num_geometry_supernodes", "with anchors");
      if (num_supernodes > 0) complain("these are for UPT: with anchors use num_geometry_supernodes", "num_supernodes");
      if (hasQueries(config)) complain("anchors take no queries: expected 0", queryKey(config));
    } else {
      positive("num_surface_points", "without anchors");
      positive("num_volume_points", "without anchors");
      if (num_geometry_points) complain("only anchors have a geometry of their own", "num_geometry_points");
      if (num_geometry_supernodes) complain("only anchors have a geometry of their own", "num_geometry_supernodes");
      if (hasQueries(config) && config.sample_query_points) {
        positive("num_surface_queries", "where the volume has queries");
        positive("num_volume_queries", "where the surface has queries");
      } else if (num_supernodes > 0 && !hasQueries(config)) {
        complain("supernodes need queries: num_surface_queries and num_volume_queries", "num_supernodes");
      }
    }
    if (
      needsStatistics(config) &&
      !(config.dataset_statistics?.volume_sdf_mean && config.dataset_statistics.volume_sdf_std)
    )
      complain("expected volume_sdf_mean and volume_sdf_std, which surface_sdf needs", "dataset_statistics");
  },
});
export type AeroCFDPipelineConfig = z.output<typeof AeroCFDPipelineConfig>;

/**
 * From samples of cars, wings and other bodies to the inputs of the aerodynamics models.
 *
 * | for | batch, besides conditions (B, c) and `<domain>_<field>_target` (B, N, C) |
 * |---|---|
 * | Transformer, Transolver | `surface_position`, `volume_position` (B, N, P); `<domain>_features` (B, N, F) |
 * | UPT (`num_supernodes`) | `surface_position` (ΣN, P), `surface_position_batch_idx` (ΣN), `surface_position_supernode_idx` (ΣS), `volume_position`, `<domain>_query_position` (B, Q, P); features, also of the queries |
 * | AB-UPT (anchors) | `<domain>_anchor_position` (B, N, P), `geometry_position` (ΣN, P), `geometry_batch_idx` (ΣN), `geometry_supernode_idx` (ΣS) |
 *
 * Features come with `use_physics_features`, in the order of the data specs. With a seed the generator of a step depends on the sample's
 * `index` alone.
 */
export class AeroMultistagePipeline extends MultiStagePipeline {
  static readonly schema: FieldType = AeroCFDPipelineConfig;

  constructor(options: z.input<typeof AeroCFDPipelineConfig>) {
    const config = validateConfig(AeroCFDPipelineConfig, options);
    const keys = keysOf(config);
    super({
      sample_processors: [
        ...distanceOfSurface(config),
        ...(hasAnchors(config) ? anchorProcessors(config, keys) : pointProcessors(config, keys)),
        ...featureProcessors(config, keys),
        new DuplicateKeysSampleProcessor({
          key_map: Object.fromEntries(
            [...keys.surface.targets, ...keys.volume.targets].map((key) => [
              hasQueries(config) ? queryForm(key) : key,
              `${key}_target`,
            ]),
          ),
        }),
      ],
      collators: collators(config, keys),
    });
  }
}

register("tutorial.pipeline.AeroMultistagePipeline", {
  class: AeroMultistagePipeline,
  aliases: ["tutorial.pipeline.aero_multistage.AeroMultistagePipeline"],
});

type QueryCounts = Pick<AeroCFDPipelineConfig, "num_surface_queries" | "num_volume_queries">;

function hasQueries({ num_surface_queries, num_volume_queries }: QueryCounts): boolean {
  return (num_surface_queries ?? 0) + (num_volume_queries ?? 0) > 0;
}

function queryKey({ num_surface_queries }: QueryCounts): string {
  return num_surface_queries ? "num_surface_queries" : "num_volume_queries";
}

function hasAnchors({ num_surface_anchor_points, num_volume_anchor_points }: AeroCFDPipelineConfig): boolean {
  return (num_surface_anchor_points ?? 0) > 0 && (num_volume_anchor_points ?? 0) > 0;
}

function needsStatistics({
  use_physics_features,
  data_specs,
}: Pick<AeroCFDPipelineConfig, "use_physics_features" | "data_specs">): boolean {
  return use_physics_features && "surface_sdf" in (data_specs.domains["surface"]?.feature_dim ?? {});
}

/** `surface_pressure` → `surface_query_pressure`. */
function queryForm(key: string): string {
  return key.replace("_", "_query_");
}

/** Sample keys of one domain. */
interface DomainKeys {
  readonly position: string;
  readonly targets: readonly string[];
  readonly features: readonly string[];
}

type Keys = Readonly<Record<"surface" | "volume", DomainKeys>>;

function keysOf({ data_specs, use_physics_features }: AeroCFDPipelineConfig): Keys {
  const keys = (domain: "surface" | "volume"): DomainKeys => {
    const { output_dims = {}, feature_dim = null } = data_specs.domains[domain] ?? {};
    return {
      position: `${domain}_position`,
      targets: Object.keys(output_dims).map((field) => `${domain}_${field}`),
      features: use_physics_features ? Object.keys(feature_dim ?? {}) : [],
    };
  };
  return { surface: keys("surface"), volume: keys("volume") };
}

/** Points of the surface are at distance 0, on the scale of the volume's distances. */
function distanceOfSurface(config: AeroCFDPipelineConfig): SampleProcessor[] {
  if (!needsStatistics(config)) return [];
  const { volume_sdf_mean, volume_sdf_std } = config.dataset_statistics!;
  return [
    new DefaultTensorSampleProcessor({
      item_key_name: "surface_sdf",
      feature_dim: 1,
      matching_item_key: "surface_position",
    }),
    new MomentNormalizationSampleProcessor({ item: "surface_sdf", mean: volume_sdf_mean, std: volume_sdf_std }),
  ];
}

function anchorProcessors(config: AeroCFDPipelineConfig, { surface, volume }: Keys): SampleProcessor[] {
  const seed = (offset: number) => (config.seed === null ? null : config.seed + offset);
  const item = "geometry_position";
  return [
    new DuplicateKeysSampleProcessor({ key_map: { surface_position: item } }),
    new PointSamplingSampleProcessor({ items: [item], num_points: config.num_geometry_points!, seed: seed(1) }),
    new SupernodeSamplingSampleProcessor({
      item,
      num_supernodes: config.num_geometry_supernodes!,
      supernode_idx_key: "geometry_supernode_idx",
      seed: seed(2),
    }),
    new DuplicateKeysSampleProcessor({
      key_map: { surface_position: "surface_anchor_position", volume_position: "volume_anchor_position" },
    }),
    new PointSamplingSampleProcessor({
      items: ["surface_anchor_position", ...surface.targets],
      num_points: config.num_surface_anchor_points!,
      seed: seed(3),
    }),
    new PointSamplingSampleProcessor({
      items: ["volume_anchor_position", ...volume.targets],
      num_points: config.num_volume_anchor_points!,
      seed: seed(4),
    }),
  ];
}

function pointProcessors(config: AeroCFDPipelineConfig, { surface, volume }: Keys): SampleProcessor[] {
  const { seed, num_supernodes, sample_query_points } = config;
  const surfaceItems = [surface.position, ...surface.targets, ...surface.features];
  const volumeItems = [volume.position, ...volume.targets, ...volume.features];
  const copies = hasQueries(config)
    ? [
        new DuplicateKeysSampleProcessor({
          key_map: Object.fromEntries([...surfaceItems, ...volumeItems].map((key) => [key, queryForm(key)])),
        }),
      ]
    : [];
  const sampling = (items: readonly string[], num_points: number) =>
    new PointSamplingSampleProcessor({ items, num_points, seed });
  const points = [sampling(volumeItems, config.num_volume_points), sampling(surfaceItems, config.num_surface_points)];
  const queries =
    copies.length > 0 && sample_query_points
      ? [
          sampling(surfaceItems.map(queryForm), config.num_surface_queries!),
          sampling(volumeItems.map(queryForm), config.num_volume_queries!),
        ]
      : [];
  return [
    ...(sample_query_points ? [...copies, ...queries, ...points] : [...points, ...copies]),
    ...(num_supernodes > 0
      ? [
          new SupernodeSamplingSampleProcessor({
            item: surface.position,
            num_supernodes,
            supernode_idx_key: "surface_position_supernode_idx",
            // one more: not the permutation that chose the points
            seed: seed === null ? null : seed + 1,
          }),
        ]
      : []),
  ];
}

/** Features by the entry that they become. */
function featureEntries(config: AeroCFDPipelineConfig, keys: Keys): [entry: string, items: readonly string[]][] {
  const domains = (["volume", "surface"] as const).filter((domain) => keys[domain].features.length > 0);
  return [
    ...domains.map((domain): [string, readonly string[]] => [`${domain}_features`, keys[domain].features]),
    ...(hasQueries(config) ? domains : []).map((domain): [string, readonly string[]] => [
      `${domain}_query_features`,
      keys[domain].features.map(queryForm),
    ]),
  ];
}

function featureProcessors(config: AeroCFDPipelineConfig, keys: Keys): SampleProcessor[] {
  return featureEntries(config, keys).map(
    ([target_key, items]) => new ConcatTensorSampleProcessor({ items: [...items], target_key, dim: 1 }),
  );
}

function collators(config: AeroCFDPipelineConfig, keys: Keys): SampleCollator[] {
  const { num_supernodes, data_specs } = config;
  const positions = hasAnchors(config)
    ? ["surface_anchor_position", "volume_anchor_position"]
    : [
        "volume_position",
        ...(num_supernodes > 0 ? ["surface_query_position", "volume_query_position"] : ["surface_position"]),
      ];
  return [
    new DefaultCollator({
      items: [
        ...positions,
        ...[...keys.surface.targets, ...keys.volume.targets].map((key) => `${key}_target`),
        ...featureEntries(config, keys).map(([entry]) => entry),
        ...Object.keys(data_specs.conditioning_dims ?? {}),
      ],
    }),
    ...(num_supernodes > 0
      ? sparse("surface_position", "surface_position_batch_idx", "surface_position_supernode_idx")
      : []),
    ...(hasAnchors(config) ? sparse("geometry_position", "geometry_batch_idx", "geometry_supernode_idx") : []),
  ];
}

/** Clouds of all samples in one, the sample of each point, and supernodes by their place in it. */
function sparse(positions: string, batch_idx_key: string, supernodes: string): SampleCollator[] {
  return [
    new ConcatSparseTensorCollator({ items: [positions], create_batch_idx: true, batch_idx_key }),
    new SparseTensorOffsetCollator({ item: supernodes, offset_key: positions }),
  ];
}
