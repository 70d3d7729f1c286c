/** From inputs to fields in physical units. */
export type { DataDescription } from "./data-description";
export type { PredictedField } from "./field-buffers";
export type { CaseInputs, InputValue } from "./inputs";
export type { PredictOptions } from "./prediction-task";
export type { InputField, OutputField, Precision } from "./run-fields";
