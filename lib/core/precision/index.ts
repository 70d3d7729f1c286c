export {
  type AutocastContext,
  deviceType,
  getGradScalerAndAutocastContext,
  getSupportedPrecision,
  isCompatible,
  type PrecisionName,
} from "./amp";
export { moveItemsToDevice, type MoveTarget } from "./device";
export { GradScaler, type GradScalerLike, type GradScalerOptions, NoopGradScaler } from "./grad-scaler";
