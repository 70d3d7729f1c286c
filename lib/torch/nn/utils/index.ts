/** Helpers for modules and their parameters: `torch.nn.utils`. */
export { clipGradNorm_, clipGradsWithNorm_, clipGradValue_, getTotalNorm, type NormOptions } from "./clip-grad";
export { parametersToVector, vectorToParameters } from "./convert-parameters";
export { fuseConvBnEval, fuseConvBnWeights, fuseLinearBnEval, fuseLinearBnWeights } from "./fusion";
export { removeSpectralNorm, removeWeightNorm, spectralNorm, weightNorm } from "./hooked-norms";
export { skipInit } from "./skip-init";
export * as parametrizations from "./parametrizations";
export * as parametrize from "./parametrize";
export * as rnn from "./rnn";
