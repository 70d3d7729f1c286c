/** What a worker thread of the loader runs: makes data sets from their sources, and batches from these. */
import { createRequire } from "node:module";
import { parentPort, threadId, workerData } from "node:worker_threads";
import { provideModulesOfThread } from "../../core/threads/own-modules";
import { RuntimeError } from "../../config/python-errors";
import { LogLevel, rootLogger } from "../../core/logging";
import { scope } from "../../torch";
import { computeOnOneThread } from "../../torch/runtime";
import { shareMemory } from "../cache/memory-cache";
import { fromFile, NoSourceError } from "../factory/dataset-source";
import { datasetFromSource, pipelineFromSource } from "../factory/from-source";
import { loadBatch, type BatchSource, type Collate, type SampleSet } from "./load-batch";
import { encode } from "./transfer";
import { encodeError } from "./worker-errors";
import type { EncodedSource, Request, Response, WorkerSetup } from "./worker-messages";

const { worker, count, init } = workerData as WorkerSetup;
const port = parentPort!;
const send = (response: Response): void => port.postMessage(response);

const sources = new Map<number, Promise<BatchSource>>();
const cancelled = new Set<number>();
const queue: Extract<Request, { type: "load" }>[] = [];
let isRunning = false;

async function makeSource(source: EncodedSource): Promise<BatchSource> {
  try {
    return await batchSource(source);
  } catch (error) {
    const { message } = error as Error;
    throw new NoSourceError(`a worker thread cannot make the data set: ${message}`, { cause: error });
  }
}

/** Whether a data set or its pipeline is made from a config, whose kinds have to be registered. */
function isFromConfig({ dataset, collate }: EncodedSource): boolean {
  let source = dataset;
  while ("of" in source) source = source.of;
  return source.from === "config" || (typeof collate !== "string" && collate !== null);
}

async function batchSource(source: EncodedSource): Promise<BatchSource> {
  if (isFromConfig(source)) createRequire(__filename)("../index");
  const { dataset, length, collate } = source;
  const made = (await datasetFromSource(dataset)) as SampleSet;
  if (made.length !== length)
    throw new RuntimeError(
      `expected ${length} samples, received ${made.length}: a data set has to depend on its config or arguments alone, since workers make it again`,
    );
  if (typeof collate === "string") return { dataset: made, collate: await fromFile<Collate>(collate) };
  const pipeline = await pipelineFromSource(collate);
  return { dataset: made, collate: pipeline === null ? null : (samples) => pipeline.collate(samples) };
}

async function run({ id, source, task }: Extract<Request, { type: "load" }>): Promise<void> {
  if (cancelled.delete(id)) return send({ type: "cancelled", id });
  try {
    await started;
    const from = await sources.get(source)!;
    send({ type: "batch", id, batch: await scope(async () => encode(await loadBatch(from, task), threadId)) });
  } catch (error) {
    send({ type: "error", id, error: encodeError(error) });
  }
}

async function runQueue(): Promise<void> {
  isRunning = true;
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    await run(next);
    // what was cancelled meanwhile is heard before the next one
    await new Promise((resolve) => setImmediate(resolve));
  }
  isRunning = false;
}

const handlers: { [T in Request["type"]]: (request: Extract<Request, { type: T }>) => void } = {
  source({ source, encoded }) {
    const made = makeSource(encoded);
    sources.set(source, made);
    // what went wrong is thrown where a batch is asked for
    void Promise.allSettled([started, made]).then(() => send({ type: "ready", source }));
  },
  load(request) {
    queue.push(request);
    if (!isRunning) void runQueue();
  },
  cancel({ id }) {
    const position = queue.findIndex((request) => request.id === id);
    if (position >= 0) cancelled.add(id);
  },
  close() {
    process.exit(); // ends the thread alone
  },
};

async function start(): Promise<void> {
  computeOnOneThread();
  shareMemory(count);
  provideModulesOfThread();
  rootLogger().handlers = [
    { level: LogLevel.WARNING, handle: ({ name, message }) => send({ type: "warning", name, message }) },
  ];
  if (init !== null) await (await fromFile<(worker: number) => unknown>(init))(worker);
}

const started = start();
started.catch(() => undefined); // thrown where batches are asked for
port.on("message", (request: Request) => handlers[request.type](request as never));
