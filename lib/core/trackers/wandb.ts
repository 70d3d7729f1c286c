import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { z } from "zod";
import { register } from "../../config/registry";
import { ValueError } from "../../config/python-errors";
import { literal, optional, str, tag, type FieldType } from "../../config/schema";
import { writeTextFile } from "../writers/text-file";
import { TrackerBaseConfig, type TrackerDependencies, type TrackerInit } from "./base";
import { toScalar } from "./metrics-file";
import type { Metrics } from "./read-metrics";
import { type Picture, type RemoteRun, RemoteTracker, type Sent } from "./remote";
import { basicAuthorization, request, requestJson, ServiceRefusal, withoutCredentials } from "./request";
import { OfflineFile } from "./wandb-offline-file";

/** Config of {@link WandBTracker}. */
export const WandBTrackerSchema = TrackerBaseConfig.extend("WandBTrackerSchema", {
  fields: {
    kind: tag("noether.core.trackers.WandBTracker"),
    /** User or team; null: that of the key. */
    entity: optional(str()),
    /** Project that the run belongs to; null: `uncategorized`. */
    project: optional(str()),
    /** `offline` keeps everything for `wandb sync`; `disabled` tracks nothing. */
    mode: optional(literal("disabled", "online", "offline")).default("online"),
  },
});
export type WandBTrackerSchema = z.output<typeof WandBTrackerSchema>;

/** Project of runs that name none, as wandb calls it. */
const NO_PROJECT = "uncategorized";

const UPSERT = `mutation UpsertBucket($name: String!, $project: String!, $entity: String, $displayName: String, $config: JSONString, $host: String, $tags: [String!]) {
  upsertBucket(input: {name: $name, modelName: $project, entityName: $entity, displayName: $displayName, config: $config, host: $host, tags: $tags}) {
    bucket { name historyLineCount project { name entity { name } } }
  }
}`;

const CREATE_FILES = `mutation CreateRunFiles($entity: String!, $project: String!, $run: String!, $files: [String!]!) {
  createRunFiles(input: {entityName: $entity, projectName: $project, runName: $run, files: $files}) {
    uploadHeaders
    files { name uploadUrl }
  }
}`;

interface CreatedFiles {
  readonly createRunFiles: {
    /** Each as `name:value`. */
    readonly uploadHeaders: readonly string[] | null;
    readonly files: readonly { readonly name: string; readonly uploadUrl: string | null }[];
  } | null;
}

interface Upserted {
  readonly upsertBucket: {
    readonly bucket: {
      readonly name: string;
      readonly historyLineCount: number | null;
      readonly project: { readonly name: string; readonly entity: { readonly name: string } };
    };
  };
}

/**
 * Weights & Biases: metrics go to its server (WANDB_BASE_URL; the key from WANDB_API_KEY or `~/.netrc`), with `mode: offline` to
 * `wandb/offline-run-…` in the run's folder, which `wandb sync` uploads.
 *
 * Each update that logged something is a step of its own; `epoch`, `update` and `sample` are metrics.
 */
export class WandBTracker extends RemoteTracker {
  static readonly schema: FieldType = WandBTrackerSchema;
  override readonly service = "wandb";
  readonly #server: string;

  constructor(
    readonly config: WandBTrackerSchema,
    dependencies: TrackerDependencies,
  ) {
    super(dependencies);
    if (config.mode === null)
      throw new ValueError('tracker.mode: expected "online", "offline" or "disabled", got null');
    this.#server = (process.env["WANDB_BASE_URL"] || "https://api.wandb.ai").replace(/\/+$/, "");
    if (config.mode === "online") requireKey(this.#server);
  }

  protected override async openRun(run: TrackerInit, config: Readonly<Record<string, unknown>>): Promise<RemoteRun> {
    const displayName = `${run.runName}/${run.stageName || "default"}`;
    return this.config.mode === "offline"
      ? this.#openFile(run, config, displayName)
      : this.#openOnline(run, config, displayName);
  }

  override async sync(run: TrackerInit, config: Readonly<Record<string, unknown>>): Promise<Sent> {
    if (this.config.mode === "online") return super.sync(run, config);
    throw new ServiceRefusal(`the run is offline: wandb sync ${join(run.outputUri, "wandb", "offline-run-*")}`);
  }

  #openFile(run: TrackerInit, config: Readonly<Record<string, unknown>>, displayName: string): RemoteRun {
    const time = new Date().toISOString().replace(/[-:]/g, "").replace("T", "_").slice(0, 15);
    const folder = join(run.outputUri, "wandb", `offline-run-${time}-${run.runId}`);
    const { entity, project } = this.config;
    const file = new OfflineFile(join(folder, `run-${run.runId}.wandb`), {
      ...{ runId: run.runId, entity, project, displayName, config },
      tags: ["new"],
    });
    let step = 0;
    return {
      ids: {},
      url: `offline, wandb sync ${folder}`,
      send: async (metrics) => {
        for (const update of metrics) file.addHistory(mapValues(historyValues(update), toJson), step++);
      },
      sendPicture: async (picture) => {
        const { path, history } = mediaOf(picture, step);
        writeTextFile(join(folder, "files", path), picture.png);
        file.addMediaFile(path);
        file.addHistory(mapValues(history, toJson), step++);
      },
      finish: async (summary, failed) => {
        file.addSummary(mapValues(summary, toJson));
        file.finish(failed ? 1 : 0);
      },
    };
  }

  async #openOnline(
    run: TrackerInit,
    config: Readonly<Record<string, unknown>>,
    displayName: string,
  ): Promise<RemoteRun> {
    const { bucket } = (
      await this.#graphql<Upserted>(UPSERT, {
        name: run.runId,
        project: this.config.project ?? NO_PROJECT,
        entity: this.config.entity,
        displayName,
        config: JSON.stringify(mapValues(config, (value) => ({ value }))),
        host: config["dist/hostname"] ?? null,
        tags: ["new"],
      })
    ).upsertBucket;
    const names = [bucket.project.entity.name, bucket.project.name, bucket.name] as const;
    const path = names.map(encodeURIComponent);
    const stream = (body: object) => this.#post(`files/${path.join("/")}/file_stream`, body);
    const start = Date.now();
    let step = bucket.historyLineCount ?? 0;
    const lineOf = (values: object, at: number): string => {
      const now = Date.now();
      return toJson({ ...values, _step: at, _runtime: (now - start) / 1000, _timestamp: now / 1000 });
    };
    return {
      ids: { run_id: run.runId },
      url: `${withoutCredentials(this.#server).replace("//api.", "//")}/${path[0]}/${path[1]}/runs/${path[2]}`,
      send: async (metrics) => {
        const content = metrics.map((update, i) => lineOf(historyValues(update), step + i));
        await stream({ files: { "wandb-history.jsonl": { offset: step, content } } });
        step += metrics.length;
      },
      sendPicture: async (picture) => {
        const { path, history } = mediaOf(picture, step);
        await this.#upload(names, path, picture.png);
        const content = [lineOf(history, step)];
        await stream({ files: { "wandb-history.jsonl": { offset: step, content } }, uploaded: [path] });
        step++;
      },
      finish: async (summary, failed) => {
        const content = [toJson(summary)];
        await stream({
          files: { "wandb-summary.json": { offset: 0, content } },
          complete: true,
          exitcode: failed ? 1 : 0,
        });
      },
    };
  }

  /** Stores a file of a run at the address that the server gives for it. */
  async #upload([entity, project, run]: readonly [string, string, string], path: string, bytes: Buffer): Promise<void> {
    const { createRunFiles } = await this.#graphql<CreatedFiles>(CREATE_FILES, { entity, project, run, files: [path] });
    const place = createRunFiles?.files[0]?.uploadUrl;
    if (!place) throw new ServiceRefusal(`${withoutCredentials(this.#server)} gave no address for ${path}`);
    const pairs = (createRunFiles.uploadHeaders ?? []).map((header) => header.split(/:(.*)/s, 2) as [string, string]);
    const headers = { ...Object.fromEntries(pairs), "content-type": "image/png" };
    await request(new URL(place, `${this.#server}/`).href, { method: "PUT", body: bytes, headers });
  }

  async #graphql<T>(query: string, variables: object): Promise<T> {
    const { data, errors } = await this.#post<{ data?: T; errors?: { message: string }[] }>("graphql", {
      query,
      variables,
    });
    if (errors?.length) throw new ServiceRefusal(errors.map(({ message }) => message).join("; "));
    if (!data) throw new ServiceRefusal(`${withoutCredentials(this.#server)} gave no data: is it Weights & Biases?`);
    return data;
  }

  #post<T>(path: string, body: object): Promise<T> {
    const headers = { authorization: basicAuthorization("api", requireKey(this.#server)) };
    return requestJson<T>(`${this.#server}/${path}`, { method: "POST", body, headers });
  }
}

/** File and history of a picture, as wandb's own `Image` has them. */
function mediaOf({ name, update, png }: Picture, step: number): { path: string; history: Record<string, unknown> } {
  const sha256 = createHash("sha256").update(png).digest("hex");
  const path = `media/images/${name}_${step}_${sha256.slice(0, 20)}.png`;
  const file = { _type: "image-file", sha256, size: png.length, path, format: "png", ...sizeOfPng(png) };
  return { path, history: { update, [name]: file } };
}

/** Pixels, which stand at the beginning of a PNG file. */
function sizeOfPng(png: Buffer): { width: number; height: number } | Record<string, never> {
  return png.length < 24 ? {} : { width: png.readUInt32BE(16), height: png.readUInt32BE(20) };
}

/** Numbers, booleans and strings of an update. */
function historyValues(update: Metrics): Record<string, number | boolean | string> {
  return Object.fromEntries(
    Object.entries(update).flatMap(([key, value]) => {
      const scalar = toScalar(value);
      return scalar === undefined ? [] : [[key, scalar]];
    }),
  );
}

/** JSON with the strings that Weights & Biases reads as the numbers that JSON does not have. */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === "number" && !Number.isFinite(item) ? String(item) : item,
  );
}

function mapValues<T, U>(values: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}

/** @throws ValueError when there is no key */
function requireKey(server: string): string {
  const key = process.env["WANDB_API_KEY"] || netrcPassword(new URL(server).hostname);
  if (key) return key;
  throw new ValueError(
    `Weights & Biases needs a key: set WANDB_API_KEY, or put one for ${new URL(server).hostname} into ~/.netrc (wandb login); or tracker.mode=offline`,
  );
}

/** The password of a machine in `~/.netrc` (or NETRC). */
function netrcPassword(machine: string): string | undefined {
  const path = process.env["NETRC"] || join(homedir(), ".netrc");
  if (!existsSync(path)) return undefined;
  const words = readFileSync(path, "utf8").split(/\s+/);
  const at = words.findIndex((word, i) => word === "machine" && words[i + 1] === machine);
  if (at < 0) return undefined;
  const end = words.indexOf("machine", at + 1);
  const own = words.slice(at + 2, end < 0 ? undefined : end);
  return own[own.indexOf("password") + 1];
}

register("noether.core.trackers.WandBTracker", {
  class: WandBTracker,
  aliases: ["noether.core.trackers.wandb_tracker.WandBTracker"],
});
