/** Forces of a fluid on a body, and their coefficients. */
export { caseForces, referenceValues } from "./case-forces";
export type { CaseForces, ForceOptions, PressureKind } from "./case-forces";
export { dynamicPressure, forceCoefficients, type ForceCoefficients, type ReferenceValues } from "./coefficients";
export { surfaceForces, type Forces, type SurfaceLoads, type Vector } from "./surface-forces";
