export { MetricPropertyProvider, Ordinality } from "./metric-property";
export { PathProvider, type PathProviderOptions } from "./path";
export { expandUser } from "./expand-user";
export {
  existingRunId,
  existingRunName,
  fileNamePart,
  fileNameProblem,
  runId,
  runPathProblem,
  stageName,
} from "./run-path";
