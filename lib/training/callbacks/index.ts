/** Callbacks that read data or look at the whole process while a run trains or is evaluated. Each registers itself under its kind. */
export { FieldPictureCallback, FieldPictureCallbackConfig } from "./field-picture";
export { OfflineLossCallback } from "./offline-loss";
export {
  type ProfilerAction,
  profilerAction,
  PyTorchProfilerCallback,
  PyTorchProfilerCallbackConfig,
} from "./profiler";
export {
  SurfaceVolumeEvaluationMetricsCallback,
  SurfaceVolumeEvaluationMetricsCallbackConfig,
} from "./surface-volume-metrics";
