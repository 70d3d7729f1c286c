import type { z } from "zod";
import { KeyError, ValueError } from "../../../config/python-errors";
import { register } from "../../../config/registry";
import {
  bool,
  type ConfigOf,
  defineConfig,
  float,
  literal,
  mapping,
  optional,
  str,
  tag,
  validateConfig,
  type FieldType,
} from "../../../config/schema";
import { suggestNames } from "../../../config/nearest-names";
import type { Tensor } from "../../../torch";
import type { Statistics } from "../../stats/statistics";
import { PreProcessor, type PreProcessorOptions } from "../pre-processor";
import { MeanStdNormalization } from "./mean-std";
import { PositionNormalizer } from "./position";

const NEEDED = { mean_std: ["mean", "std"], position: ["min", "max"] } as const;

/** Config of {@link FieldNormalizer}. */
export const FieldNormalizerConfig = defineConfig("FieldNormalizerConfig", {
  extra: "forbid",
  fields: {
    kind: tag("noether.data.preprocessors.normalizers.FieldNormalizer"),
    /** `mean_std`: to mean 0 and deviation 1. `position`: to `[0, scale]`. */
    strategy: literal("mean_std", "position").default("mean_std"),
    /** The statistics are of log-scaled values; only with `mean_std`. */
    logscale: bool().default(false),
    /** Names of the statistics: of `mean` and `std` (default `<key>_mean`, `<key>_std`), or of `min` and `max`. */
    stat_keys: optional(mapping(str())),
    /** Length of the box after scaling; only with `position`. */
    scale: float({ gt: 0 }).default(1000),
  },
  check: ({ strategy, stat_keys, logscale }, complain) => {
    const needed: readonly string[] = NEEDED[strategy];
    for (const key of Object.keys(stat_keys ?? {})) {
      if (!needed.includes(key)) complain(`expected ${needed.join(" and ")} with "${strategy}"`, "stat_keys", key);
    }
    if (logscale && strategy === "position") complain(`expected false with "${strategy}"`, "logscale");
  },
});
export type FieldNormalizerConfig = ConfigOf<typeof FieldNormalizerConfig>;

/**
 * Normalizes a field with the statistics of its data set: `mean_std` as {@link MeanStdNormalization}, `position` as
 * {@link PositionNormalizer}. Positions whose own minimum and maximum are not known take `raw_pos_min` and `raw_pos_max`.
 */
export class FieldNormalizer extends PreProcessor {
  static readonly schema: FieldType = FieldNormalizerConfig;
  /** What does it. */
  readonly inner: MeanStdNormalization | PositionNormalizer;

  /**
   * @throws ValueError without statistics, or where those of a position are missing; KeyError where mean or deviation is
   */
  constructor(
    config: z.input<typeof FieldNormalizerConfig>,
    normalizationKey: string,
    { statistics = null }: PreProcessorOptions = {},
  ) {
    super(normalizationKey);
    const { strategy, logscale, stat_keys, scale } = validateConfig(FieldNormalizerConfig, config);
    if (statistics === null) {
      throw new ValueError(
        `the FieldNormalizer of "${normalizationKey}" needs the statistics of its data set, which has none (static statistics or statsFile of its class); MeanStdNormalization and PositionNormalizer take theirs from the config`,
      );
    }
    const find = (what: string, shared?: string) =>
      lookUp(statistics, stat_keys?.[what] ?? null, [`${normalizationKey}_${what}`, ...(shared ? [shared] : [])]);
    if (strategy === "position") {
      const [min, max] = [find("min", "raw_pos_min"), find("max", "raw_pos_max")];
      if (min.value === undefined || max.value === undefined)
        throw new ValueError(missing(statistics, normalizationKey, [min, max]));
      this.inner = new PositionNormalizer({ raw_pos_min: min.value, raw_pos_max: max.value, scale }, normalizationKey);
    } else {
      const [mean, std] = [find("mean"), find("std")];
      if (mean.value === undefined || std.value === undefined)
        throw new KeyError(missing(statistics, normalizationKey, [mean, std]));
      this.inner = new MeanStdNormalization({ mean: mean.value, std: std.value, logscale }, normalizationKey);
    }
  }

  override apply(x: Tensor): Tensor {
    return this.inner.apply(x);
  }

  override denormalize(y: Tensor): Tensor {
    return this.inner.denormalize(y);
  }
}

register("noether.data.preprocessors.normalizers.FieldNormalizer", { class: FieldNormalizer });

interface Found {
  readonly name: string;
  /** At least one number; undefined: not there. */
  readonly value: readonly number[] | undefined;
}

/** A statistic by the name that is configured, else by the first of the usual ones that is there. */
function lookUp(statistics: Statistics, configured: string | null, usual: readonly string[]): Found {
  const names = configured === null ? usual : [configured];
  const name = names.find((candidate) => Object.hasOwn(statistics, candidate)) ?? names[0]!;
  const value = Object.hasOwn(statistics, name) ? statistics[name] : undefined;
  return { name, value: typeof value === "number" ? [value] : value };
}

function missing(statistics: Statistics, key: string, wanted: readonly Found[]): string {
  const names = wanted.filter(({ value }) => value === undefined).map(({ name }) => name);
  return `expected "${names.join('" and "')}" in the statistics of the data set, for the FieldNormalizer of "${key}"; ${suggestNames(names[0]!, Object.keys(statistics))} (stat_keys names others)`;
}
