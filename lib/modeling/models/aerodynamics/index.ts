/** Trainable models of surface and volume fields; importing them registers their kinds. */
export { AeroABUPT } from "./ab-upt";
export type { AeroABUPTInputs } from "./ab-upt";
export type { AeroPointInputs } from "./fields";
export { AeroTransformer, AeroTransformerConfig } from "./transformer";
export { AeroTransolver, AeroTransolverConfig } from "./transolver";
export { AeroUPT, AeroUPTConfig } from "./upt";
export type { AeroUPTInputs } from "./upt";
