/** Functional forms: `torch.nn.functional`. Operators whose own signature is PyTorch's are passed on as they are. */
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  avgPool1d,
  avgPool2d,
  conv1d,
  conv2d,
  conv3d,
  cosineSimilarity,
  elu,
  gelu,
  glu,
  groupNorm,
  hardtanh,
  layerNorm,
  leakyRelu,
  linear,
  logSigmoid,
  logSoftmax,
  maxPool1d,
  maxPool2d,
  mish,
  oneHot,
  pairwiseDistance,
  prelu,
  relu,
  rmsNorm,
  scaledDotProductAttention,
  selu,
  sigmoid,
  silu,
  softmax,
  softplus,
  tanh,
} from "../../operators.generated";
export { dropout } from "./dropout";
export { embedding, type EmbeddingLookupOptions } from "./embedding";
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
} from "./loss";
export { batchNorm, normalize } from "./normalization";
export { pad, type PadMode } from "./pad";
