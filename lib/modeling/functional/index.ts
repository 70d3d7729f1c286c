/** Functions that the modules are made of. */
export { knn, radius } from "./geometric";
export type { BatchVectors } from "./geometric";
export { knnTable, radiusTable } from "./neighbor-table";
export type { NeighborTable } from "./neighbor-table";
export { applyInitMethod, initBiasToZero, initTruncNormalZeroBias, InitWeightsMode } from "./init";
export { fromLogscale, toLogscale } from "../../core/functional/logscale";
export { addGated, modulatedNorm, modulateGate, modulateScaleShift } from "./modulation";
export { rope, ropeTable } from "./rope";
export type { RopeFrequencies } from "./rope";
export type { RopeTable } from "./rotate";
