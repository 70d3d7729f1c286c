export { ContinuousSincosEmbed, ContinuousSincosEmbeddingConfig } from "./continuous-sincos-embed";
export { LayerScale, LayerScaleConfig } from "./layer-scale";
export { LinearProjection, LinearProjectionConfig } from "./linear-projection";
export { RopeFrequency, RopeFrequencyConfig } from "./rope-frequency";
export { ScalarsConditioner, ScalarsConditionerConfig } from "./scalars-conditioner";
export { TransformerBatchNorm } from "./transformer-batch-norm";
export { UnquantizedDropPath, UnquantizedDropPathConfig } from "./unquantized-drop-path";
