import type { z } from "zod";
import { register } from "../../config/registry";
import { ValueError } from "../../config/python-errors";
import { optional, str, tag, type FieldType } from "../../config/schema";
import { PICTURES } from "../runs/run-pictures";
import { TrackerBaseConfig, type TrackerDependencies, type TrackerInit } from "./base";
import { flatten } from "./flatten";
import { toScalar } from "./metrics-file";
import type { Metrics } from "./read-metrics";
import { type Picture, type RemoteRun, RemoteTracker } from "./remote";
import { basicAuthorization, request, requestJson, withoutCredentials } from "./request";

/** Config of {@link MlflowTracker}. */
export const MlflowTrackerConfig = TrackerBaseConfig.extend("MlflowTrackerConfig", {
  fields: {
    kind: tag("noether.core.trackers.MlflowTracker"),
    /** Address of the server; null: the variable MLFLOW_TRACKING_URI. */
    tracking_uri: optional(str()),
    /** Experiment that the run belongs to; made where there is none. */
    experiment: str().default("Default"),
  },
});
export type MlflowTrackerConfig = z.output<typeof MlflowTrackerConfig>;

/** Limits of one `log-batch`. */
const MOST = { metrics: 1000, params: 100, paramLength: 6000, tagLength: 5000 } as const;

/**
 * Sends metrics to an MLflow server (REST API 2.0), by update. The configuration becomes parameters, the summary metrics (numbers) and
 * tags, pictures become artifacts.
 *
 * Credentials: MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME with MLFLOW_TRACKING_PASSWORD.
 */
export class MlflowTracker extends RemoteTracker {
  static readonly schema: FieldType = MlflowTrackerConfig;
  override readonly service = "mlflow";
  readonly #address: string;
  readonly #experiment: string;

  constructor(config: MlflowTrackerConfig, dependencies: TrackerDependencies) {
    super(dependencies);
    const address = config.tracking_uri ?? process.env["MLFLOW_TRACKING_URI"];
    if (!address || !/^https?:\/\//.test(address)) {
      throw new ValueError(
        `expected the address of an MLflow server (http://…) in tracker.tracking_uri or MLFLOW_TRACKING_URI, got ${address ? `"${withoutCredentials(address)}"` : "none"}`,
      );
    }
    this.#address = address.replace(/\/+$/, "");
    this.#experiment = config.experiment;
  }

  protected override async openRun(
    run: TrackerInit,
    config: Readonly<Record<string, unknown>>,
    ids: Readonly<Record<string, string>>,
  ): Promise<RemoteRun> {
    const runId = ids["run_id"] ?? (await this.#createRun(run, config));
    const experimentId = ids["experiment_id"] ?? (await this.#experimentId());
    return {
      ids: { run_id: runId, experiment_id: experimentId },
      url: `${withoutCredentials(this.#address)}/#/experiments/${experimentId}/runs/${runId}`,
      send: (metrics) => this.#send(runId, metrics),
      sendPicture: (picture) => this.#sendPicture(runId, picture),
      finish: (summary, failed) => this.#finish(runId, summary, failed),
    };
  }

  async #experimentId(): Promise<string> {
    type Found = { experiment: { experiment_id: string } };
    const name = encodeURIComponent(this.#experiment);
    const found = await this.#call<Found | null>(
      "GET",
      `experiments/get-by-name?experiment_name=${name}`,
      undefined,
      [404],
    );
    if (found) return found.experiment.experiment_id;
    return (await this.#call<{ experiment_id: string }>("POST", "experiments/create", { name: this.#experiment }))
      .experiment_id;
  }

  async #createRun(run: TrackerInit, config: Readonly<Record<string, unknown>>): Promise<string> {
    const created = await this.#call<{ run: { info: { run_id: string } } }>("POST", "runs/create", {
      experiment_id: await this.#experimentId(),
      run_name: [run.runName || run.runId, run.stageName].filter(Boolean).join("/"),
      start_time: Date.now(),
      tags: [{ key: "noether.run_id", value: run.runId }],
    });
    const runId = created.run.info.run_id;
    const params = Object.entries(flatten(config)).map(([key, value]) => ({
      key: allowedName(key),
      value: String(value).slice(0, MOST.paramLength),
    }));
    for (let start = 0; start < params.length; start += MOST.params)
      await this.#call("POST", "runs/log-batch", {
        run_id: runId,
        params: params.slice(start, start + MOST.params),
      });
    return runId;
  }

  async #send(runId: string, updates: readonly Metrics[]): Promise<void> {
    const timestamp = Date.now();
    const metrics = updates.flatMap((update) => {
      const step = Number(update["update"]);
      return Object.entries(update).flatMap(([key, value]) => {
        const number = toNumber(value);
        return key === "update" || number === undefined
          ? []
          : [{ key: allowedName(key), value: number, timestamp, step }];
      });
    });
    for (let start = 0; start < metrics.length; start += MOST.metrics)
      await this.#call("POST", "runs/log-batch", {
        run_id: runId,
        metrics: metrics.slice(start, start + MOST.metrics),
      });
  }

  /** An artifact of the run, under its name in the run's folder. By this address the server stores it wherever artifacts are. */
  async #sendPicture(runId: string, { file, png }: Picture): Promise<void> {
    const query = new URLSearchParams({ run_uuid: runId, path: `${PICTURES}/${file}` });
    await request(`${this.#address}/ajax-api/2.0/mlflow/upload-artifact?${query}`, {
      method: "POST",
      body: png,
      headers: { ...authorization(), "content-type": "application/octet-stream" },
    });
  }

  async #finish(runId: string, summary: Readonly<Record<string, unknown>>, failed: boolean): Promise<void> {
    const timestamp = Date.now();
    const entries = Object.entries(flatten(summary));
    const metrics = entries.flatMap(([key, value]) => {
      const number = toNumber(value);
      return number === undefined ? [] : [{ key: allowedName(key), value: number, timestamp, step: 0 }];
    });
    const tags = entries.flatMap(([key, value]) =>
      typeof value === "string" ? [{ key: allowedName(key), value: value.slice(0, MOST.tagLength) }] : [],
    );
    for (let start = 0; start < Math.max(metrics.length, tags.length); start += MOST.params)
      await this.#call("POST", "runs/log-batch", {
        run_id: runId,
        metrics: metrics.slice(start, start + MOST.params),
        tags: tags.slice(start, start + MOST.params),
      });
    const status = failed ? "FAILED" : "FINISHED";
    await this.#call("POST", "runs/update", { run_id: runId, status, end_time: timestamp });
  }

  #call<T>(method: "GET" | "POST", path: string, body?: object, accept: readonly number[] = []): Promise<T> {
    return requestJson<T>(`${this.#address}/api/2.0/mlflow/${path}`, {
      method,
      body,
      accept,
      headers: authorization(),
    });
  }
}

/** A number as MLflow takes it: those that JSON does not have as strings. */
function toNumber(value: unknown): number | string | undefined {
  const scalar = toScalar(value);
  if (typeof scalar === "boolean") return Number(scalar);
  if (typeof scalar !== "number") return undefined;
  return Number.isFinite(scalar) ? scalar : String(scalar);
}

/** MLflow allows letters, digits, and a few signs. */
function allowedName(key: string): string {
  return key.replace(/[^\w\-. :/]/g, "_");
}

function authorization(): Record<string, string> {
  const {
    MLFLOW_TRACKING_TOKEN: token,
    MLFLOW_TRACKING_USERNAME: user,
    MLFLOW_TRACKING_PASSWORD: password,
  } = process.env;
  if (token) return { authorization: `Bearer ${token}` };
  if (user && password) return { authorization: basicAuthorization(user, password) };
  return {};
}

register("noether.core.trackers.MlflowTracker", { class: MlflowTracker });
