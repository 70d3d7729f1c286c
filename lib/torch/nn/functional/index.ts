/** Functional forms: `torch.nn.functional`. Operators whose own signature is PyTorch's are passed on as they are. */
export {
  avgPool1d,
  avgPool2d,
  avgPool3d,
  bilinear,
  channelShuffle,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  cosineSimilarity,
  gelu,
  glu,
  groupNorm,
  hardshrink,
  layerNorm,
  linear,
  logSigmoid as logsigmoid,
  logSoftmax,
  maxPool1dWithIndices,
  maxPool2dWithIndices,
  maxPool3dWithIndices,
  oneHot,
  pairwiseDistance,
  pdist,
  pixelShuffle,
  pixelUnshuffle,
  prelu,
  rmsNorm,
  scaledDotProductAttention,
  sigmoid,
  softmax,
  softplus,
  softshrink,
  tanh,
} from "../../operators.generated";
export {
  gumbelSoftmax,
  softmin,
  softsign,
  tanhshrink,
  type GumbelSoftmaxOptions,
  type SoftminOptions,
} from "./activation";
export {
  celu,
  elu,
  hardsigmoid,
  hardswish,
  hardtanh,
  leakyRelu,
  mish,
  relu,
  relu6,
  rrelu,
  selu,
  silu,
  threshold,
} from "./inplace";
export {
  alphaDropout,
  dropout,
  dropout1d,
  dropout2d,
  dropout3d,
  featureAlphaDropout,
  type Dropout,
  type DropoutOptions,
} from "./dropout";
export { embedding, type EmbeddingLookupOptions } from "./embedding";
export { embeddingBag, type EmbeddingBagLookupOptions } from "./embedding-bag";
export { fold, unfold, type FoldOptions } from "./fold";
export { affineGrid, gridSample, type GridSampleOptions } from "./grid";
export {
  ctcLoss,
  gaussianNllLoss,
  klDiv,
  poissonNllLoss,
  type CtcLossOptions,
  type GaussianNllLossOptions,
  type KlDivOptions,
  type PoissonNllLossOptions,
} from "./likelihood-loss";
export {
  cosineEmbeddingLoss,
  hingeEmbeddingLoss,
  marginRankingLoss,
  multiMarginLoss,
  multilabelMarginLoss,
  multilabelSoftMarginLoss,
  softMarginLoss,
  tripletMarginLoss,
  tripletMarginWithDistanceLoss,
  type DistanceFunction,
  type MultiMarginLossOptions,
  type TripletMarginLossOptions,
  type TripletMarginWithDistanceLossOptions,
} from "./margin-loss";
export {
  fractionalMaxPool2d,
  fractionalMaxPool3d,
  lpPool1d,
  lpPool2d,
  lpPool3d,
  type FractionalMaxPoolOptions,
  type LPPoolOptions,
} from "./pooling";
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  type AdaptiveMaxPoolFunction,
  type AdaptiveSize,
} from "./adaptive-pooling";
export { maxPool1d, maxPool2d, maxPool3d, type MaxPool, type MaxPoolOptions } from "./max-pooling";
export { multiHeadAttentionForward, type MultiHeadAttentionOptions } from "./multi-head-attention";
export { maxUnpool1d, maxUnpool2d, maxUnpool3d, type MaxUnpoolOptions } from "./unpooling";
export { interpolate, type InterpolateOptions } from "./interpolate";
export {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  huberLoss,
  l1Loss,
  mseLoss,
  nllLoss,
  smoothL1Loss,
  type CrossEntropyOptions,
  type LossOptions,
  type Reduction,
  type WeightedLossOptions,
} from "./loss";
export {
  batchNorm,
  instanceNorm,
  localResponseNorm,
  normalize,
  type BatchNormOptions,
  type InstanceNormOptions,
  type NormalizeOptions,
} from "./normalization";
export { pad, type PadMode, type PadOptions } from "./pad";
