import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { z } from "zod";
import { register } from "../../config/registry";
import { optional, str, tag, type FieldType } from "../../config/schema";
import { credentialsIfAny, Provider } from "../../io/credentials";
import { writeTextFile } from "../writers/text-file";
import { TrackerBaseConfig, type TrackerDependencies, type TrackerInit } from "./base";
import { toScalar } from "./metrics-file";
import { type Metrics, readMetrics } from "./read-metrics";
import { type RemoteRun, RemoteTracker } from "./remote";
import { requestJson, ServiceRefusal, withoutCredentials } from "./request";
import { openTrackioStore, projectName, trackioFile, type TrackioEntry } from "./trackio-store";

/** Config of {@link TrackioTracker}. */
export const TrackioTrackerSchema = TrackerBaseConfig.extend("TrackioTrackerSchema", {
  fields: {
    kind: tag("noether.core.trackers.TrackioTracker"),
    /** Project that the run belongs to. */
    project: str(),
    /** A Space of Hugging Face, `user/name`; null: the server of TRACKIO_SERVER_URL, or this machine. */
    space_id: optional(str()),
  },
});
export type TrackioTrackerSchema = z.output<typeof TrackioTrackerSchema>;

/** Where entries go: the same call, over HTTP or into the local database. */
type BulkLog = (entries: readonly TrackioEntry[]) => Promise<void>;

/** Stores a file that entries of a step name. */
type StoreMedia = (media: {
  readonly project: string;
  readonly run: string;
  readonly runId: string;
  readonly step: number;
  readonly fileName: string;
  readonly bytes: Buffer;
}) => Promise<void>;

/**
 * Trackio: metrics go to a Space of Hugging Face (`space_id`; the token of Hugging Face), to a Trackio server (TRACKIO_SERVER_URL, with its
 * `write_token` there or in TRACKIO_WRITE_TOKEN), or into Trackio's database on this machine, which `trackio show` reads (TRACKIO_DIR;
 * SQLite of Node 22.13, or the package `better-sqlite3`).
 *
 * The step is the update; `epoch`, `update` and `sample` are metrics. The summary joins the configuration when the run ends. What was sent
 * already is recognised by the service, so that nothing is there twice.
 */
export class TrackioTracker extends RemoteTracker {
  static readonly schema: FieldType = TrackioTrackerSchema;
  override readonly service = "trackio";

  constructor(
    readonly config: TrackioTrackerSchema,
    dependencies: TrackerDependencies,
  ) {
    super(dependencies);
  }

  protected override openRun(
    run: TrackerInit,
    config: Readonly<Record<string, unknown>>,
    ids: Readonly<Record<string, string>>,
  ): Promise<RemoteRun> {
    const runId = ids["run_id"] ?? [run.runId, run.stageName].filter(Boolean).join("/");
    const name = `${run.runName}/${run.stageName || "default"}_${run.runId}`;
    const { url, bulkLog, storeMedia } = this.#target();
    const { project } = this.config;
    const entryOf = (
      values: TrackioEntry["metrics"],
      step: number,
      config: Readonly<Record<string, unknown>> | null,
    ): TrackioEntry => {
      const digest = createHash("sha256").update(JSON.stringify(values)).digest("hex").slice(0, 16);
      const log_id = `${runId}-${step}-${digest}`;
      return { project, run: name, run_id: runId, metrics: values, step, config, log_id };
    };
    const entryOfMetrics = (metrics: Metrics, config: Readonly<Record<string, unknown>> | null): TrackioEntry =>
      entryOf(plainOf(metrics), Number(metrics["update"]), config);
    return Promise.resolve({
      ids: { run_id: runId },
      url,
      // with the configuration each time: the service keeps one for a run
      send: (metrics) => bulkLog(metrics.map((line, index) => entryOfMetrics(line, index === 0 ? config : null))),
      sendPicture: async ({ name: picture, update, png }) => {
        const fileName = `${createHash("sha256").update(png).digest("hex").slice(0, 32)}.png`;
        await storeMedia({ project, run: name, runId, step: update, fileName, bytes: png });
        const file_path = `${projectName(project)}/${name}/${update}/${fileName}`;
        await bulkLog([entryOf({ [picture]: { _type: "trackio.image", file_path, caption: null } }, update, null)]);
      },
      finish: async (summary) => {
        const path = this.pathProvider.trackerMetricsUri;
        const last = existsSync(path) ? readMetrics(path).at(-1) : undefined;
        // an entry that is there already, which brings the new configuration
        if (last !== undefined) await bulkLog([entryOfMetrics(last, { ...config, ...summary })]);
      },
    });
  }

  #target(): { readonly url: string | null; readonly bulkLog: BulkLog; readonly storeMedia: StoreMedia } {
    const { space_id: space, project } = this.config;
    const given = process.env["TRACKIO_SERVER_URL"];
    if (space !== null) {
      const token = credentialsIfAny(Provider.HUGGINGFACE)["HF_TOKEN"] ?? null;
      if (!/^[^/]+\/[^/]+$/.test(space))
        throw new ServiceRefusal(`expected tracker.space_id as "user/name", received "${space}"`);
      const url = `https://${space.toLowerCase().replace(/[/_.]/g, "-")}.hf.space`;
      return { url, ...overHttp(url, token === null ? {} : { authorization: `Bearer ${token}` }, token) };
    }
    if (given) {
      const { address, token } = serverOf(given);
      return { url: withoutCredentials(address), ...overHttp(address, { "x-trackio-write-token": token }, null) };
    }
    const path = trackioFile(project);
    return {
      url: null,
      bulkLog: (entries) => {
        const store = openTrackioStore(path);
        try {
          store.add(entries);
        } finally {
          store.close();
        }
        return Promise.resolve();
      },
      storeMedia: ({ run, step, fileName, bytes }) => {
        writeTextFile(join(dirname(path), "media", projectName(project), run, String(step), fileName), bytes);
        return Promise.resolve();
      },
    };
  }
}

/** The two calls of a Trackio server. */
function overHttp(
  url: string,
  headers: Readonly<Record<string, string>>,
  hfToken: string | null,
): { readonly bulkLog: BulkLog; readonly storeMedia: StoreMedia } {
  const call = async (name: string, values: object): Promise<void> => {
    type Answer = { readonly error?: unknown };
    const body = { args: [], kwargs: { ...values, hf_token: hfToken } };
    const { error } = await requestJson<Answer>(`${url}/api/${name}`, { method: "POST", headers, body });
    if (error !== undefined && error !== null) throw new ServiceRefusal(`${url} refuses: ${JSON.stringify(error)}`);
  };
  return {
    bulkLog: (logs) => call("bulk_log", { logs }),
    storeMedia: async ({ project, run, runId, step, fileName, bytes }) => {
      const form = new FormData();
      form.append("files", new Blob([bytes], { type: "image/png" }), fileName);
      const { paths } = await requestJson<{ readonly paths?: readonly string[] }>(`${url}/api/upload`, {
        ...{ method: "POST" as const, headers, body: form },
      });
      const path = paths?.[0];
      if (path === undefined) throw new ServiceRefusal(`${withoutCredentials(url)} gave no place for ${fileName}`);
      const uploaded_file = { path, orig_name: fileName, meta: { _type: "gradio.FileData" } };
      const upload = { project, run, run_id: runId, step, relative_path: null, uploaded_file };
      await call("bulk_upload_media", { uploads: [upload] });
    },
  };
}

/** Address and write token of TRACKIO_SERVER_URL, as `trackio show` prints it. */
function serverOf(text: string): { readonly address: string; readonly token: string } {
  if (!/^https?:\/\//.test(text)) throw new ServiceRefusal("expected http://… or https://… in TRACKIO_SERVER_URL");
  const url = new URL(text);
  const token = url.searchParams.get("write_token") ?? process.env["TRACKIO_WRITE_TOKEN"];
  if (!token)
    throw new ServiceRefusal("expected ?write_token=… in TRACKIO_SERVER_URL, or the variable TRACKIO_WRITE_TOKEN");
  url.search = "";
  return { address: url.href.replace(/\/+$/, ""), token };
}

/** Values as Trackio stores them: numbers that JSON does not have as strings. */
function plainOf(metrics: Metrics): Record<string, number | boolean | string> {
  return Object.fromEntries(
    Object.entries(metrics).flatMap(([key, value]) => {
      const plain = toScalar(value);
      if (plain === undefined) return [];
      return [[key, typeof plain === "number" && !Number.isFinite(plain) ? String(plain) : plain]];
    }),
  );
}

register("noether.core.trackers.TrackioTracker", {
  class: TrackioTracker,
  aliases: ["noether.core.trackers.trackio_tracker.TrackioTracker"],
});
