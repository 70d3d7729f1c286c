import { MetricPropertyProvider, PathProvider } from "../../../lib/core/providers";
import type { TrackerInit } from "../../../lib/core/trackers";
import { temporaryFolder } from "../../support/small-run";

/** A run folder with what trackers are built and started with. */
export function trackedRun() {
  const folder = temporaryFolder();
  const pathProvider = new PathProvider({ outputRootPath: folder.path, runId: "r1" });
  const init: TrackerInit = {
    accelerator: "cpu",
    runName: "wing",
    stageName: null,
    stageHp: { model: { depth: 2, dims: [1, 2] } },
    runId: "r1",
    outputUri: pathProvider.runOutputPath,
  };
  return {
    path: pathProvider.runOutputPath,
    dependencies: { pathProvider, metricPropertyProvider: new MetricPropertyProvider() },
    init,
    remove: () => folder.remove(),
  };
}
