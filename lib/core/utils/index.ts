export * from "./common";
export * from "./logging";
export * from "./torch";
export * from "./training";
export { computeModelNorm, copyParams, updateEma, type UpdateEmaOptions } from "./model";
export { setSeed } from "./seed";
