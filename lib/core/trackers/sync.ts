import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { displayPath } from "../../config/compose/config-files";
import { Factory } from "../../config/factory/factory";
import { loadUserKinds } from "../../config/factory/load-kind";
import { FileNotFoundError, ValueError } from "../../config/python-errors";
import { isMapping } from "../../config/schema";
import { readYaml } from "../../config/yaml/reader";
import { toPlain } from "../../config/yaml/nodes";
import { MetricPropertyProvider } from "../providers/metric-property";
import { PathProvider } from "../providers/path";
import { AnyTracker } from "./any-tracker";
import { MultiTracker } from "./multi";
import { RemoteTracker, type Sent } from "./remote";

/** What became of one service. */
export interface Synced {
  readonly service: string;
  /** Updates whose metrics were sent, and pictures; null: it failed. */
  readonly sent: Sent | null;
  readonly problem: string | null;
}

/**
 * Sends what the services of a run that has ended did not get, to the same runs there.
 *
 * @param folder the run's folder, with `hp_resolved.yaml`
 * @throws FileNotFoundError for a folder that is none of a run, ValueError for a run without such a tracker
 */
export async function syncRun(folder: string): Promise<Synced[]> {
  const path = resolve(folder);
  const config = readPlain(join(path, "hp_resolved.yaml"), "the folder of a run");
  await loadUserKinds(config);
  const tracker = AnyTracker.parse(config["tracker"]);
  const runId = String(config["run_id"]);
  const stageName =
    typeof config["stage_name"] === "string" && config["stage_name"] !== "" ? config["stage_name"] : null;
  // the id of a run of a sweep has two parts: 2026-01-31_a1b2c/0
  const parts = [...runId.split("/"), ...(stageName?.split("/") ?? [])];
  const outputRootPath = parts.reduce((folder) => dirname(folder), path);
  if (join(outputRootPath, ...parts) !== path)
    throw new ValueError(`expected '${displayPath(path)}' to be the folder of run ${runId}: it was renamed`);
  const pathProvider = new PathProvider({ outputRootPath, runId, stageName });
  const dependencies = { pathProvider, metricPropertyProvider: new MetricPropertyProvider() };
  const created = tracker === null ? null : new Factory().create(tracker, dependencies);
  const remotes = (created instanceof MultiTracker ? created.trackers : [created]).filter(
    (part) => part instanceof RemoteTracker,
  );
  if (remotes.length === 0) throw new ValueError(`the tracker of run ${runId} is no service: there is nothing to send`);
  const stored = readPlain(pathProvider.basetrackerConfigUri, "a run that was tracked");
  const run = {
    accelerator: String(stored["accelerator"]),
    runName: String(stored["run_name"]),
    stageName,
    stageHp: isMapping(stored["hp"]) ? stored["hp"] : {},
    runId,
    outputUri: realpathSync(path),
  };
  const results: Synced[] = [];
  for (const remote of remotes) {
    if (existsSync(pathProvider.basetrackerSummaryUri))
      Object.assign(remote.summary, readPlain(pathProvider.basetrackerSummaryUri, "a summary"));
    try {
      results.push({ service: remote.service, sent: await remote.sync(run, stored), problem: null });
    } catch (error) {
      results.push({ service: remote.service, sent: null, problem: (error as Error).message });
    }
  }
  return results;
}

function readPlain(path: string, what: string): Record<string, unknown> {
  if (!existsSync(path)) throw new FileNotFoundError(`expected ${what}: there is no ${displayPath(path)}`);
  const content = toPlain(readYaml(readFileSync(path, "utf8"), displayPath(path)));
  if (!isMapping(content)) throw new ValueError(`expected a mapping in ${displayPath(path)}`);
  return content;
}
