import "../../lib";
import {
  findKind,
  lookupKind,
  notImplementedMessage,
  register,
  registeredKinds,
  registerLater,
} from "../../lib/config/registry";

/** Kinds that configs of the Python framework name, releases 1.1 and 2026.4: package, classes, and the module of each below it. */
const KINDS: Record<string, Record<string, string | null>> = {
  "noether.core.callbacks": {
    CheckpointCallback: "checkpoint.checkpoint",
    BestCheckpointCallback: "checkpoint.best_checkpoint",
    EmaCallback: "checkpoint.ema",
    BestMetricCallback: "online.best_metric",
    TrackAdditionalOutputsCallback: "online.track_outputs",
    OnlineLossCallback: "default.online_loss",
    DatasetStatsCallback: "default.dataset_stats",
    ParamCountCallback: "default.param_count",
    ProgressCallback: "default.progress",
    TrainTimeCallback: "default.train_time",
    PeakMemoryCallback: "default.peak_memory",
    EtaCallback: "default.eta",
    LrCallback: "default.lr",
    FixedEarlyStopper: "early_stoppers.fixed",
    MetricEarlyStopper: "early_stoppers.metric",
  },
  "noether.training.callbacks": { OfflineLossCallback: "offline_loss", PyTorchProfilerCallback: "profiler" },
  "noether.core.trackers": {
    NoopTracker: "noop",
    TensorboardTracker: "tensorboard",
    TrackioTracker: "trackio_tracker",
    WandBTracker: "wandb_tracker",
  },
  "noether.training.trainers": { BaseTrainer: "base", WeightedLossTrainer: null },
  "noether.core.initializers": { PreviousRunInitializer: null, ResumeInitializer: null, CheckpointInitializer: null },
  "noether.core.optimizer": { Lion: "lion", MuonComposite: null },
  "torch.optim": { AdamW: "adamw", Adam: "adam", SGD: "sgd" },
  "noether.core.optimizer.param_group_modifiers": { LrScaleByNameModifier: null, WeightDecayByNameModifier: null },
  "noether.core.schedules": {
    LinearWarmupCosineDecaySchedule: null,
    ConstantSchedule: null,
    CustomSchedule: null,
    CosineIncreasingSchedule: null,
    CosineDecreasingSchedule: null,
    LinearIncreasingSchedule: null,
    LinearDecreasingSchedule: null,
    PolynomialIncreasingSchedule: null,
    PolynomialDecreasingSchedule: null,
    StepDecreasingSchedule: null,
    StepFixedSchedule: null,
    StepIntervalSchedule: null,
    PeriodicBoolSchedule: null,
    ProgressSchedule: null,
    IncreasingProgressSchedule: null,
    DecreasingProgressSchedule: null,
  },
  "noether.data.base.wrappers": {
    RepeatWrapper: "repeat",
    ShuffleWrapper: "shuffle",
    SubsetWrapper: "subset",
    PropertySubsetWrapper: "property_subset",
    TimingWrapper: "timing",
  },
  "noether.data": {
    RepeatWrapper: "base.wrappers",
    ShuffleWrapper: "base.wrappers",
    SubsetWrapper: "base.wrappers",
    PropertySubsetWrapper: "base.wrappers",
    Collator: "pipeline",
    MultiStagePipeline: "pipeline",
  },
  "noether.data.preprocessors": { NumpyToTorchTensorPreProcessor: "numpy_to_torch_tensor" },
  "noether.data.pipeline.sample_processors": {
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
  "noether.data.pipeline.collators": {
    ConcatSparseTensorCollator: "concat_sparse_tensor",
    DefaultCollator: "default",
    FieldDecoderCollator: "field_decoder",
    SparseTensorOffsetCollator: "sparse_tensor_offset",
  },
  "noether.data.pipeline.batch_processors": {
    MomentNormalizationBatchProcessor: "moment_normalization",
    PositionNormalizationBatchProcessor: "position_normalization",
    RenameKeysBatchProcessor: "rename_keys",
  },
  "noether.data.preprocessors.normalizers": {
    MeanStdNormalization: null,
    PositionNormalizer: null,
    ShiftAndScaleNormalizer: null,
    FieldNormalizer: null,
  },
  "noether.data.pipeline": { MultiStagePipeline: "multistage", Collator: "collator" },
  "noether.data.datasets.cfd": {
    AhmedMLDataset: "caeml",
    DrivAerMLDataset: "caeml",
    DrivAerNetDataset: null,
    EmmiWingDataset: null,
    EmmiWingHFDataset: null,
    ShapeNetCarDataset: null,
    SimshiftHeatsinkDataset: null,
  },
  "noether.modeling.models": {
    AnchoredBranchedUPT: "ab_upt",
    UPT: "upt",
    Transformer: "transformer",
    Transolver: "transolver",
    AeroABUPT: "aerodynamics",
    AeroUPT: "aerodynamics",
    AeroTransformer: "aerodynamics",
    AeroTransolver: "aerodynamics",
  },
  "noether.core.schemas.schema": { ConfigSchema: null },
  // `config_kind` of checkpoints
  "noether.core.schemas.models": {
    "base.ModelBaseConfig": null,
    "ab_upt.AnchorBranchedUPTConfig": null,
    "upt.UPTConfig": null,
    "transformer.TransformerConfig": null,
    "transolver.TransolverConfig": null,
    "transolver.TransolverPlusPlusConfig": null,
  },
};

const names = Object.entries(KINDS).flatMap(([root, classes]) =>
  Object.entries(classes).map(
    ([name, module]) => [`${root}.${name}`, module === null ? null : `${root}.${module}.${name}`] as const,
  ),
);

test.each(names)("%s is a class, or is told to be missing; so is its name by module", (kind, byModule) => {
  const found = findKind(kind);
  expect(found?.schema ?? found?.class ?? notImplementedMessage(kind)).toBeDefined();
  if (byModule === null) return;
  if (found?.class) expect(findKind(byModule)).toEqual(found);
  else expect(notImplementedMessage(byModule)).toBeDefined();
});

describe("kinds that are registered later", () => {
  class Late {}

  test("are, when one is asked for that is not known, and once", () => {
    const load = jest.fn(() => register("test.Late", { class: Late }));
    registerLater(load);
    expect(findKind("test.Late")?.class).toBe(Late);
    expect(() => lookupKind("test.Never")).toThrow('unknown kind "test.Never"');
    expect(load).toHaveBeenCalledTimes(1);
  });

  test("are, when all kinds are asked for", () => {
    registerLater(() => register("test.Later", { class: Late }));
    expect(registeredKinds()).toContain("test.Later");
  });

  test("do not undo a replacement", () => {
    class Mine {}
    registerLater(() => register("test.Replaced", { class: Late }));
    register("test.Replaced", { class: Mine, replace: true });
    expect(lookupKind("test.Replaced").class).toBe(Mine);
  });

  test("are not waited for where a kind is a file of the user's", () => {
    const load = jest.fn();
    registerLater(load);
    expect(findKind("./cars.ts#Cars")).toBeUndefined();
    expect(load).not.toHaveBeenCalled();
    registeredKinds();
  });
});
