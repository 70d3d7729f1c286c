/** Modules, their initial values and functional forms: `torch.nn`. */
export { ELU, GELU, Identity, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh } from "./activation";
export { BatchNorm1d, BatchNorm2d, BatchNorm3d, type BatchNormOptions } from "./batch-norm";
export { ModuleDict, ModuleList, Sequential, type Layer } from "./containers";
export { Conv1d, Conv2d, Conv3d, type ConvOptions } from "./conv";
export { Dropout } from "./dropout";
export { Embedding, type EmbeddingOptions } from "./embedding";
export type { FactoryOptions } from "./factory";
export * as functional from "./functional";
export * as init from "./init";
export { Linear, type LinearOptions } from "./linear";
export {
  Module,
  type ForwardHook,
  type ForwardPreHook,
  type HookHandle,
  type LoadResult,
  type StateDict,
} from "./module";
export { toCamelCase, toSnakeCase } from "./naming";
export { LayerNorm, type LayerNormOptions } from "./normalization";
export { Parameter } from "./parameter";
export { ParameterDict, ParameterList } from "./parameter-containers";
export * as utils from "./utils";
