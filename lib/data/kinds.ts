/** Registers the data layer's classes under the names that configs use (data spec 1). */
import { register, type KindClass } from "../config/registry";
import {
  MeanStdNormalizerConfig,
  PositionNormalizerConfig,
  ShiftAndScaleNormalizerConfig,
} from "./preprocessors/normalizers/configs";
import { RepeatWrapper } from "./wrappers/repeat-wrapper";
import { ShuffleWrapper } from "./wrappers/shuffle-wrapper";
import { SubsetWrapper } from "./wrappers/subset-wrapper";
import { MeanStdNormalization } from "./preprocessors/normalizers/mean-std";
import { PositionNormalizer } from "./preprocessors/normalizers/position";
import { ShiftAndScaleNormalizer } from "./preprocessors/normalizers/shift-and-scale";
import { Collator } from "./pipeline/collator";
import { MultiStagePipeline } from "./pipeline/multistage-pipeline";
import * as sampleProcessors from "./pipeline/sample-processors";
import * as collators from "./pipeline/collators";
import * as batchProcessors from "./pipeline/batch-processors";

register("noether.data.preprocessors.normalizers.MeanStdNormalization", {
  class: MeanStdNormalization,
  schema: MeanStdNormalizerConfig,
});
register("noether.data.preprocessors.normalizers.PositionNormalizer", {
  class: PositionNormalizer,
  schema: PositionNormalizerConfig,
});
register("noether.data.preprocessors.normalizers.ShiftAndScaleNormalizer", {
  class: ShiftAndScaleNormalizer,
  schema: ShiftAndScaleNormalizerConfig,
});

const wrappers = { repeat: RepeatWrapper, shuffle: ShuffleWrapper, subset: SubsetWrapper };
for (const [file, Wrapper] of Object.entries(wrappers)) {
  register(`noether.data.base.wrappers.${Wrapper.name}`, {
    class: Wrapper,
    schema: Wrapper.schema,
    aliases: [`noether.data.base.wrappers.${file}.${Wrapper.name}`, `noether.data.${Wrapper.name}`],
  });
}

register("noether.data.pipeline.MultiStagePipeline", {
  class: MultiStagePipeline,
  aliases: ["noether.data.MultiStagePipeline", "noether.data.pipeline.multistage.MultiStagePipeline"],
});
register("noether.data.pipeline.Collator", {
  class: Collator,
  aliases: ["noether.data.Collator", "noether.data.pipeline.collator.Collator"],
});

/** Registers every class of a module under `<base>.<Class>` and `<base>.<file>.<Class>`. */
function registerAll(
  base: string,
  classes: Readonly<Record<string, string>>,
  module: Readonly<Record<string, unknown>>,
): void {
  for (const [name, file] of Object.entries(classes)) {
    register(`${base}.${name}`, { class: module[name] as KindClass, aliases: [`${base}.${file}.${name}`] });
  }
}

registerAll(
  "noether.data.pipeline.sample_processors",
  {
    ConcatTensorSampleProcessor: "concat_tensor",
    DefaultTensorSampleProcessor: "default_tensor",
    DropOutliersSampleProcessor: "drop_outliers",
    DuplicateKeysSampleProcessor: "duplicate_keys",
    MomentNormalizationSampleProcessor: "moment_normalization",
    PointSamplingSampleProcessor: "point_sampling",
    PositionNormalizationSampleProcessor: "position_normalization",
    RenameKeysSampleProcessor: "rename_keys",
    ReplaceKeySampleProcessor: "replace_key",
    SupernodeSamplingSampleProcessor: "supernode_sampling",
  },
  sampleProcessors,
);
registerAll(
  "noether.data.pipeline.collators",
  {
    ConcatSparseTensorCollator: "concat_sparse_tensor",
    DefaultCollator: "default",
    FieldDecoderCollator: "field_decoder",
    SparseTensorOffsetCollator: "sparse_tensor_offset",
  },
  collators,
);
registerAll(
  "noether.data.pipeline.batch_processors",
  {
    MomentNormalizationBatchProcessor: "moment_normalization",
    PositionNormalizationBatchProcessor: "position_normalization",
    RenameKeysBatchProcessor: "rename_keys",
  },
  batchProcessors,
);
