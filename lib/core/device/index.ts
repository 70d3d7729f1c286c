/** Devices, and the precisions that they support. */
export { moveItemsToDevice } from "./move-items";
export type { MoveTarget } from "./parse-device";
export {
  type AutocastContext,
  deviceType,
  getGradScalerAndAutocastContext,
  getSupportedPrecision,
  isCompatible,
  type PrecisionName,
} from "./precision";
