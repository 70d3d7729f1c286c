/** Gradients: `torch.autograd`. See docs/torch/autograd.md. */
export * as forwardAD from "./forward-ad";
export type { UnpackedDual } from "./forward-ad";
export * as functional from "./functional";
export {
  detectAnomaly,
  isAnomalyCheckNanEnabled,
  isAnomalyEnabled,
  setDetectAnomaly,
  type AnomalyOptions,
} from "./anomaly";
export { gradcheck, gradgradcheck, type GradcheckOptions, type GradgradcheckOptions } from "./gradcheck";
export {
  backward,
  enableGrad,
  Function,
  FunctionContext,
  grad,
  inferenceMode,
  isGradEnabled,
  isInferenceMode,
  noGrad,
  setGradEnabled,
  type BackwardOptions,
  type GradOptions,
  type HookHandle,
} from "./recording";
