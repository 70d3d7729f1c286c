/** How well a run predicts its data. */
export {
  evaluateRun,
  type CaseEvaluation,
  type EvaluateOptions,
  type OverallErrors,
  type RunEvaluation,
} from "./evaluate-run";
export { evaluationReport, type ReportOptions } from "./report";
