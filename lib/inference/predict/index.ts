/** From inputs to fields in physical units. */
export type { DataDescription } from "./data-description";
export type { PredictedField, Precision } from "./field-buffers";
export type { CaseInputs, InputValue } from "./inputs";
export type { PredictOptions } from "./prediction-task";
export type { InputField, OutputField } from "./run-fields";
