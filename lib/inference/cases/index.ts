/** Cases in files: read, predicted, written. */
export type { CaseOptions } from "./case-options";
export { fieldErrors, FieldErrorSums, type FieldErrors } from "./field-errors";
export { readCase, type CaseDomain, type CaseFiles } from "./read-case";
export { addedFields, outputFiles, withFields, writePrediction, type PredictedCase } from "./write-prediction";
