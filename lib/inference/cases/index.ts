/** Cases in files: read, predicted, written. */
export type { CaseOptions } from "./case-options";
export { fieldErrors, FieldErrorSums, type FieldErrors } from "./field-errors";
export type { CaseDomain, CaseFiles } from "./case-files";
export { readCase } from "./read-case";
export { writePrediction, type PredictedCase } from "./write-prediction";
