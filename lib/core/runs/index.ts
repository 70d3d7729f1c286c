/** What runs leave in their folders, read back without libtorch: for the dashboard and for reports. */
export { align, type AlignedSeries, type Range, smooth } from "./decimate";
export { describeRun, readLog, type RunDescription } from "./describe-run";
export { findRuns, type FoundRuns } from "./find-runs";
export { nameOf, namesOf, type Section, SECTIONS, sectionOf, seriesOf, THROUGHPUT } from "./metric-groups";
export { type Axis, MetricTable, type Series } from "./metric-table";
export { MetricsReader } from "./metrics-reader";
export { flattenConfig, readRunConfig, readYamlMapping } from "./run-config";
export { pictureFile, PICTURES, type PictureSet, readPictures } from "./run-pictures";
export type { RunState } from "./run-state";
