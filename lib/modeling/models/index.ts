/** Architectures; importing them registers their kinds. */
export * from "./ab-upt";
export * from "./aerodynamics";
export { Transformer, TransformerConfig } from "./transformer";
export { Transolver, TransolverConfig, TransolverPlusPlusConfig } from "./transolver";
export { UPT, UPTConfig } from "./upt";
export type { UPTInputs, UPTSurfaceInputs } from "./upt";
