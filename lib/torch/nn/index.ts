/** Modules, their initial values and functional forms: `torch.nn`. */
export {
  CELU,
  ELU,
  GELU,
  GLU,
  Hardshrink,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  Identity,
  LeakyReLU,
  LogSigmoid,
  LogSoftmax,
  Mish,
  PReLU,
  RReLU,
  ReLU,
  ReLU6,
  SELU,
  SiLU,
  Sigmoid,
  Softmax,
  Softmax2d,
  Softmin,
  Softplus,
  Softshrink,
  Softsign,
  Tanh,
  Tanhshrink,
  Threshold,
  type InplaceOptions,
} from "./activation";
export { checkpointBlocks, checkpointModule } from "./activation-checkpoint";
export { AdaptiveLogSoftmaxWithLoss, type AdaptiveLogSoftmaxOptions } from "./adaptive-log-softmax";
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
  FractionalMaxPool2d,
  FractionalMaxPool3d,
} from "./adaptive-pooling";
export { BatchNorm1d, BatchNorm2d, BatchNorm3d, type BatchNormOptions } from "./batch-norm";
export { Bilinear, type BilinearOptions } from "./bilinear";
export { Buffer } from "./buffer";
export { ModuleDict, ModuleList, Sequential, type Layer } from "./containers";
export { Conv1d, Conv2d, Conv3d, type ConvOptions } from "./conv";
export { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, type ConvTransposeOptions } from "./conv-transpose";
export { CosineSimilarity, PairwiseDistance } from "./distance";
export { AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout } from "./dropout";
export { Embedding, type EmbeddingOptions } from "./embedding";
export { EmbeddingBag, type EmbeddingBagOptions } from "./embedding-bag";
export type { FactoryOptions } from "./factory";
export * as functional from "./functional";
export * as init from "./init";
export { InstanceNorm1d, InstanceNorm2d, InstanceNorm3d } from "./instance-norm";
export { Linear, type LinearOptions } from "./linear";
export { LinearCrossEntropyLoss, type LinearCrossEntropyLossOptions } from "./linear-cross-entropy";
export {
  BCELoss,
  BCEWithLogitsLoss,
  CTCLoss,
  CrossEntropyLoss,
  GaussianNLLLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  MSELoss,
  NLLLoss,
  NLLLoss2d,
  PoissonNLLLoss,
  SmoothL1Loss,
} from "./loss";
export {
  CosineEmbeddingLoss,
  HingeEmbeddingLoss,
  MarginRankingLoss,
  MultiLabelMarginLoss,
  MultiLabelSoftMarginLoss,
  MultiMarginLoss,
  SoftMarginLoss,
  TripletMarginLoss,
  TripletMarginWithDistanceLoss,
} from "./margin-loss";
export type {
  BackwardHook,
  BackwardPreHook,
  ForwardHook,
  ForwardHookOptions,
  ForwardPreHook,
  Gradients,
  HookHandle,
  HookOptions,
  LoadStateDictPostHook,
  LoadStateDictPreHook,
  StateDictPostHook,
  StateDictPreHook,
} from "./hooks";
export { Module, type ListOptions } from "./module";
export type { LoadOptions, LoadResult, StateDict } from "./state-dict";
export { MultiheadAttention, type MultiheadAttentionOptions } from "./multihead-attention";
export type { AttentionCallOptions } from "./functional/multi-head-attention";
export { toCamelCase, toSnakeCase } from "./naming";
export {
  GroupNorm,
  LayerNorm,
  LocalResponseNorm,
  RMSNorm,
  type GroupNormOptions,
  type LayerNormOptions,
  type LocalResponseNormOptions,
  type RMSNormOptions,
} from "./normalization";
export {
  CircularPad1d,
  CircularPad2d,
  CircularPad3d,
  ConstantPad1d,
  ConstantPad2d,
  ConstantPad3d,
  ReflectionPad1d,
  ReflectionPad2d,
  ReflectionPad3d,
  ReplicationPad1d,
  ReplicationPad2d,
  ReplicationPad3d,
  ZeroPad1d,
  ZeroPad2d,
  ZeroPad3d,
  type PaddingSides,
} from "./padding";
export { Parameter } from "./parameter";
export { ParameterDict, ParameterList } from "./parameter-containers";
export {
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  LPPool1d,
  LPPool2d,
  LPPool3d,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  MaxUnpool1d,
  MaxUnpool2d,
  MaxUnpool3d,
  type AvgPoolOptions,
  type LPPoolOptions,
  type MaxPoolOptions,
  type MaxUnpoolOptions,
} from "./pooling";
export { GRU, LSTM, RNN, type RNNOptions } from "./rnn";
export { GRUCell, LSTMCell, RNNCell, type RNNCellOptions } from "./rnn-cell";
export { ChannelShuffle, Flatten, Fold, PixelShuffle, PixelUnshuffle, Unflatten, Unfold } from "./shape";
export { SyncBatchNorm, type SyncBatchNormOptions } from "./sync-batch-norm";
export { summary, type ModuleSummary, type SummaryOptions, type SummaryRow } from "./summary";
export {
  Transformer,
  TransformerDecoder,
  TransformerDecoderLayer,
  TransformerEncoder,
  TransformerEncoderLayer,
  type DecoderCall,
  type EncoderLayerCall,
  type TransformerActivation,
  type TransformerLayerOptions,
  type TransformerOptions,
} from "./transformer";
export { Upsample, UpsamplingBilinear2d, UpsamplingNearest2d } from "./upsampling";
export * as utils from "./utils";
