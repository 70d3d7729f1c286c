import type { z } from "zod";
import { register } from "../../config/registry";
import {
  customType,
  defineConfig,
  int,
  isMapping,
  literal,
  mapping,
  optional,
  refuse,
  str,
  validateConfig,
  type FieldType,
} from "../../config/schema";
import { withSuggestion } from "../../config/nearest-names";
import { ModelDataSpecs } from "../../core/data-specs/model-data-specs";
import { zeros } from "../../torch";
import type { BatchMap, Sample } from "../sample";
import { ConcatSparseTensorCollator, DefaultCollator, SparseTensorOffsetCollator } from "./collators";
import { MultiStagePipeline } from "./multistage-pipeline";
import type { SampleCollator } from "./sample-collator";
import type { SampleProcessor } from "./sample-processor";
import {
  ConcatTensorSampleProcessor,
  DuplicateKeysSampleProcessor,
  PointSamplingSampleProcessor,
  RenameKeysSampleProcessor,
  SupernodeSamplingSampleProcessor,
} from "./sample-processors";

/** A number of points, or all of them. */
const count = customType<number | "all">((input, context) => {
  if (input === "all") return input;
  const number = int({ ge: 1 }).safeParse(input);
  return number.success ? number.data : refuse(context, input, 'an integer >= 1 or "all"');
});

/** Numbers of points by domain, or one for every domain. */
const counts = customType<Record<string, number | "all"> | number | "all", unknown>((input, context) =>
  (isMapping(input) ? mapping(count) : count).safeParse(input).success
    ? ((isMapping(input) ? mapping(count) : count).parse(input) as Record<string, number | "all">)
    : refuse(context, input, 'an integer >= 1, "all", or a mapping of domains to these'),
);

/** The points that the geometry of AB-UPT and UPT is made of. */
const GeometryConfig = defineConfig("GeometryConfig", {
  extra: "forbid",
  fields: {
    /** Domain whose points they are. */
    domain: str(),
    /** Random points of it. Null: all. */
    num_points: optional(int({ ge: 1 })),
    /** Points among these that the others are pooled into. */
    num_supernodes: int({ ge: 1 }),
  },
});

/** Config of {@link DomainPipeline}. */
export const DomainPipelineConfig = defineConfig("DomainPipelineConfig", {
  extra: "forbid",
  fields: {
    kind: str(),
    /** Whose inputs the batches are. */
    model: literal("ab_upt", "upt", "transformer", "transolver"),
    /** What the model predicts. */
    data_specs: ModelDataSpecs,
    /** Random points of each domain: the anchors of AB-UPT, the queries of UPT, the points of the others. */
    num_points: counts,
    /** Further points that AB-UPT predicts from the anchors, for evaluation: `all` in the order of the file. Null: none. */
    num_queries: optional(counts),
    /** Geometry of AB-UPT (null: its blocks need none) and UPT. */
    geometry: optional(GeometryConfig),
    /** The same points of a sample each time; null: others in every epoch. */
    seed: optional(int({ ge: 0 })),
  },
  check: ({ model, data_specs, num_points, num_queries, geometry }, complain) => {
    const domains = Object.keys(data_specs.domains);
    if (domains.length === 0) complain("expected at least one domain", "data_specs", "domains");
    for (const [key, value] of Object.entries({ num_points, num_queries })) {
      if (!isMapping(value)) continue;
      for (const domain of Object.keys(value))
        if (!domains.includes(domain))
          complain(
            withSuggestion(`expected a domain of data_specs, received "${domain}"`, domain, domains),
            key,
            domain,
          );
      const missing = key === "num_points" ? domains.filter((domain) => !(domain in value)) : [];
      if (missing.length > 0) complain(`expected a number for ${missing.join(", ")}, too`, key);
    }
    const takesGeometry = model === "ab_upt" || model === "upt";
    if (model === "upt" && geometry === null)
      complain("UPT needs it: { domain: surface, num_supernodes: 512 }", "geometry");
    if (!takesGeometry && geometry !== null) complain(`a ${model} takes none`, "geometry");
    if (model !== "ab_upt" && num_queries !== null)
      complain(
        `only AB-UPT tells queries from other points: a ${model} predicts the points of num_points`,
        "num_queries",
      );
    if (model === "ab_upt" && data_specs.use_physics_features)
      complain("AB-UPT takes no features", "data_specs", "use_physics_features");
    const other = domains.find((domain) => domain !== "surface" && domain !== "volume");
    if (model !== "ab_upt" && other !== undefined)
      complain(`a ${model} has the domains surface and volume, not "${other}"`, "data_specs", "domains");
  },
});
export type DomainPipelineConfig = z.output<typeof DomainPipelineConfig>;

/**
 * From samples with named domains (`surface_position`, `surface_pressure`, …) to the inputs of a model, from a config alone.
 *
 * | `model` | batch, besides conditions (B, c) and `<domain>_<field>_target` (B, N, C) |
 * |---|---|
 * | `ab_upt` | `<domain>_anchor_position` (B, N, P); with `num_queries` also `query_<domain>_position` and `query_<domain>_<field>_target`; geometry |
 * | `upt` | `<domain>_query_position` (B, N, P), `<domain>_features` (B, N, F); geometry |
 * | `transformer`, `transolver` | `<domain>_position` (B, N, P), `<domain>_features` (B, N, F) |
 *
 * The geometry is `geometry_position` (ΣN, P), `geometry_batch_idx` (ΣN), `geometry_supernode_idx` (ΣS). Domains that the last three models
 * have and the data specs lack are empty, (B, 0, P).
 */
export class DomainPipeline extends MultiStagePipeline {
  static readonly schema: FieldType = DomainPipelineConfig;

  constructor(options: z.input<typeof DomainPipelineConfig>) {
    const config = validateConfig(DomainPipelineConfig, options);
    const domains = Object.keys(config.data_specs.domains).map((name) => domainKeys(name, config));
    const seeds = seedsFrom(config.seed);
    super({
      sample_processors: [
        ...geometryProcessors(config, seeds),
        ...domains.flatMap((domain) => domainProcessors(domain, config, seeds)),
      ],
      collators: collators(domains, config),
    });
  }
}

register("noether.data.pipeline.DomainPipeline", { class: DomainPipeline });

/** The keys of one domain, in samples and in batches. */
interface DomainKeys {
  readonly name: string;
  readonly position: string;
  readonly targets: readonly string[];
  /** Features that become one entry. */
  readonly features: readonly string[];
  /** Under which names the chosen points go into the batch. */
  readonly renamed: Readonly<Record<string, string>>;
  /** Copies that become queries, by the original's name. */
  readonly queries: Readonly<Record<string, string>>;
}

function domainKeys(name: string, { model, data_specs, num_queries }: DomainPipelineConfig): DomainKeys {
  const { output_dims, feature_dim } = data_specs.domains[name]!;
  const position = `${name}_position`;
  const targets = Object.keys(output_dims).map((field) => `${name}_${field}`);
  const features = data_specs.use_physics_features ? Object.keys(feature_dim ?? {}) : [];
  const positionInBatch =
    model === "ab_upt" ? `${name}_anchor_position` : model === "upt" ? `${name}_query_position` : position;
  const hasQueries = num_queries !== null && (!isMapping(num_queries) || name in num_queries);
  return {
    name,
    position,
    targets,
    features,
    renamed: { [position]: positionInBatch, ...Object.fromEntries(targets.map((key) => [key, `${key}_target`])) },
    queries: hasQueries
      ? { [position]: `query_${position}`, ...Object.fromEntries(targets.map((key) => [key, `query_${key}_target`])) }
      : {},
  };
}

/** A seed of its own for each step that draws. */
function seedsFrom(seed: number | null): () => number | null {
  let step = 0;
  return () => (seed === null ? null : seed + step++);
}

function geometryProcessors({ geometry }: DomainPipelineConfig, seed: () => number | null): SampleProcessor[] {
  if (geometry === null) return [];
  const { domain, num_points, num_supernodes } = geometry;
  const item = "geometry_position";
  return [
    new DuplicateKeysSampleProcessor({ key_map: { [`${domain}_position`]: item } }),
    ...(num_points === null ? [] : [new PointSamplingSampleProcessor({ items: [item], num_points, seed: seed() })]),
    new SupernodeSamplingSampleProcessor({
      item,
      num_supernodes,
      supernode_idx_key: "geometry_supernode_idx",
      seed: seed(),
    }),
  ];
}

function domainProcessors(
  keys: DomainKeys,
  config: DomainPipelineConfig,
  seed: () => number | null,
): SampleProcessor[] {
  const { name, position, targets, features, queries, renamed } = keys;
  const featureKey = `${name}_features`;
  const chosen = [position, ...targets, ...(features.length > 0 ? [featureKey] : [])];
  const sampling = (items: readonly string[], number: number | "all") =>
    number === "all" ? [] : [new PointSamplingSampleProcessor({ items, num_points: number, seed: seed() })];
  const hasQueries = Object.keys(queries).length > 0;
  return [
    ...(features.length > 0
      ? [new ConcatTensorSampleProcessor({ items: features, target_key: featureKey, dim: 1 })]
      : []),
    ...(hasQueries
      ? [
          new DuplicateKeysSampleProcessor({ key_map: queries }),
          ...sampling(Object.values(queries), numberOf(config.num_queries!, name)),
        ]
      : []),
    ...sampling(chosen, numberOf(config.num_points, name)),
    new RenameKeysSampleProcessor({ key_map: renamed }),
  ];
}

function numberOf(numbers: DomainPipelineConfig["num_points"], domain: string): number | "all" {
  return isMapping(numbers) ? (numbers[domain] as number | "all") : numbers;
}

function collators(domains: readonly DomainKeys[], config: DomainPipelineConfig): SampleCollator[] {
  const { model, data_specs, geometry } = config;
  const stacked = domains.flatMap(({ name, features, renamed, queries }) => [
    ...Object.values(renamed),
    ...Object.values(queries),
    ...(features.length > 0 ? [`${name}_features`] : []),
  ]);
  const absent =
    model === "ab_upt"
      ? []
      : ["surface", "volume"]
          .filter((domain) => !(domain in data_specs.domains))
          .map((domain) => domainKeyOf(domain, model));
  return [
    new DefaultCollator({ items: [...stacked, ...Object.keys(data_specs.conditioning_dims ?? {})] }),
    ...(geometry === null
      ? []
      : [
          new ConcatSparseTensorCollator({
            items: ["geometry_position"],
            create_batch_idx: true,
            batch_idx_key: "geometry_batch_idx",
          }),
          new SparseTensorOffsetCollator({ item: "geometry_supernode_idx", offset_key: "geometry_position" }),
        ]),
    ...(absent.length > 0 ? [new EmptyClouds(absent, data_specs.position_dim)] : []),
  ];
}

function domainKeyOf(domain: string, model: DomainPipelineConfig["model"]): string {
  return model === "upt" ? `${domain}_query_position` : `${domain}_position`;
}

/** Positions (B, 0, P) of domains that the data do not have. */
class EmptyClouds implements SampleCollator {
  constructor(
    readonly keys: readonly string[],
    readonly dimensions: number,
  ) {}

  collate(samples: readonly Sample[]): BatchMap {
    return Object.fromEntries(this.keys.map((key) => [key, zeros([samples.length, 0, this.dimensions])]));
  }
}
