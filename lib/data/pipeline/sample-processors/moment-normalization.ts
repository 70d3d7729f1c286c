import { keep, scope, type Tensor } from "../../../torch";
import { RuntimeError, ValueError } from "../../../config/python-errors";
import { bool, defineConfig, float, list, optional, str, validateConfig } from "../../../config/schema";
import { fromLogscale, toLogscale } from "../../../core/functional/logscale";
import { toTensor } from "../../preprocessors/to-tensor";
import type { Sample } from "../../sample";
import { SampleProcessor, tensorOf } from "../sample-processor";
import { checkDeviations, standardize, unstandardize } from "../scaling";
import { register } from "../../../config/registry";

const Options = defineConfig("MomentNormalizationSampleProcessor", {
  extra: "forbid",
  fields: {
    /** Key of the values to normalize. */
    item: str(),
    /** Mean of each channel. */
    mean: optional(list(float())),
    /** Standard deviation of each channel. */
    std: optional(list(float())),
    /** Mean of each channel on the logarithmic scale. */
    logmean: optional(list(float())),
    /** Standard deviation of each channel on the logarithmic scale. */
    logstd: optional(list(float())),
    /** Takes the signed logarithm first. */
    logscale: bool().default(false),
  },
});

/** `(x - mean) / std` of one item, or with `logscale` `(log-scaled x - logmean) / logstd`. Statistics are (1, C). */
export class MomentNormalizationSampleProcessor extends SampleProcessor {
  readonly item: string;
  readonly logscale: boolean;
  readonly mean: Tensor;
  readonly std: Tensor;

  constructor(options: {
    item: string;
    mean?: readonly number[] | null;
    std?: readonly number[] | null;
    logmean?: readonly number[] | null;
    logstd?: readonly number[] | null;
    logscale?: boolean;
  }) {
    super();
    const { item, logscale, ...stats } = validateConfig(Options, options);
    const [mean, std] = logscale ? [stats.logmean, stats.logstd] : [stats.mean, stats.std];
    const names = logscale ? "logmean and logstd" : "mean and std";
    if (mean === null || std === null) throw new ValueError(`expected ${names} for the normalization of "${item}"`);
    if (mean.length !== std.length)
      throw new RuntimeError(
        `expected ${names} of "${item}" of equal length, received ${mean.length} and ${std.length}`,
      );
    checkDeviations(this, mean, std);
    this.item = item;
    this.logscale = logscale;
    [this.mean, this.std] = scope((): [Tensor, Tensor] => [keep(toTensor([mean])), keep(toTensor([std]))]);
  }

  override process(sample: Sample): Sample {
    const x = tensorOf(sample, this.item, this);
    return { ...sample, [this.item]: standardize(this.logscale ? toLogscale(x) : x, this) };
  }

  override inverse(key: string, value: Tensor): Tensor {
    if (key !== this.item) return value;
    const x = unstandardize(value, this);
    return this.logscale ? fromLogscale(x) : x;
  }
}

register("noether.data.pipeline.sample_processors.MomentNormalizationSampleProcessor", {
  class: MomentNormalizationSampleProcessor,
  aliases: ["noether.data.pipeline.sample_processors.moment_normalization.MomentNormalizationSampleProcessor"],
});
