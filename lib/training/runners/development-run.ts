import { type CallbackBase, PeriodicDataIteratorCallback, ResultTuple } from "../../core/callbacks";
import { moveItemsToDevice } from "../../core/device/move-items";
import type { Batch, DatasetLike, DeviceBatch, Sample } from "../../core/interfaces/data";
import { addGlobalHandlers } from "../../core/logging";
import type { ModelBase } from "../../core/models";
import { MetricPropertyProvider, PathProvider } from "../../core/providers";
import { setSeed } from "../../core/seed";
import { NoopTracker } from "../../core/trackers";
import { type DataContainer, DataLoader } from "../../data";
import { noGrad, randperm, scope } from "../../torch";
import type { BaseTrainer } from "../trainers/base-trainer";
import { type ConfigSchema, consoleLevel } from "./config-schema";
import { describeValue } from "./describe-values";
import { createData, createModel, createTrainer, prepareData } from "./experiment-parts";
import { logChanges } from "./log-changes";
import type { RunConfig } from "./run-config";

/** Takes what is to be printed, a line at a time. */
type Print = (line: string) => void;

const DEVICE = "cpu";

/**
 * One dry pass through the parts of a run, with everything printed that goes from one to the next: samples, the batch that
 * the pipeline makes of them, the model's output, losses and gradients of a step of training, and what callbacks make of a
 * batch. It computes on the CPU, writes no file and changes no weight.
 */
export async function developmentRun(
  { config, changes = [] }: Pick<RunConfig, "config" | "changes">,
  print: Print,
): Promise<void> {
  addGlobalHandlers({ level: consoleLevel(config) });
  logChanges(changes);
  await prepareData(config);
  setSeed(config.seed);
  await scope(async () => {
    const dataContainer = createData(config, DEVICE);
    const indices = await showSample(config, dataContainer, print);
    const batch = await showBatch(dataContainer.getDataset("train"), indices, print);
    const { trainer, model } = createExperiment(config, dataContainer);
    await showOutput(model, trainer, batch, print);
    await showStep(model, trainer, batch, print);
    await showCallbacks(model, trainer, config.development_batch_size, print);
  });
}

function title(print: Print, text: string): void {
  const rule = "=".repeat(60);
  for (const line of [rule, text, rule]) print(line);
}

function show(print: Print, values: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(values))
    if (!name.startsWith("__meta")) for (const line of describeValue(name, value)) print(line);
}

/** The first of some random samples of the training set; the indices of all. */
async function showSample(config: ConfigSchema, dataContainer: DataContainer, print: Print): Promise<number[]> {
  title(print, "data");
  for (const [key, { length }] of dataContainer.datasets)
    if (key in config.datasets) print(`${key}: ${config.datasets[key]!.kind}, ${samples(length)}`);
  const dataset = dataContainer.getDataset("train");
  const indices = randomIndices(dataset.length, config.development_batch_size);
  const [first] = indices;
  if (first === undefined) throw new RangeError("expected samples in the training set, but it is empty");
  print(`sample ${first} of the training set:`);
  show(print, await dataset.get(first));
  return indices;
}

async function showBatch(dataset: DatasetLike, indices: readonly number[], print: Print): Promise<DeviceBatch> {
  title(print, "pipeline");
  print(`a batch of ${samples(indices.length)} (${indices.join(", ")}):`);
  const batch = await loadBatch(dataset, indices);
  show(print, batch);
  return batch;
}

/** Trainer and model as a run has them, but for the tracker, which would be told. */
function createExperiment(
  config: ConfigSchema,
  dataContainer: DataContainer,
): { trainer: BaseTrainer; model: ModelBase } {
  const pathProvider = new PathProvider({ outputRootPath: config.output_path, runId: config.run_id ?? "development" });
  const metricPropertyProvider = new MetricPropertyProvider();
  const tracker = new NoopTracker({ pathProvider, metricPropertyProvider });
  const trainer = createTrainer(config, {
    dataContainer,
    device: DEVICE,
    tracker,
    pathProvider,
    metricPropertyProvider,
  });
  return { trainer, model: createModel(config, trainer) };
}

async function showOutput(model: ModelBase, trainer: BaseTrainer, batch: DeviceBatch, print: Print): Promise<void> {
  title(print, "model");
  model.initialize();
  print(
    `${model.modelConfig.kind}: ${model.trainableParamCount} trainable and ${model.frozenParamCount} frozen parameters`,
  );
  const own = model.modelConfig.forward_properties ?? [];
  const wanted = own.length > 0 ? own : trainer.forwardProperties;
  const missing = wanted.filter((key) => !(key in batch));
  if (missing.length > 0) print(`not in the batch: ${missing.join(", ")}`);
  const inputs = Object.fromEntries(wanted.filter((key) => key in batch).map((key) => [key, batch[key]]));
  print(`forward(${Object.keys(inputs).join(", ")}):`);
  model.eval();
  const output: unknown = await noGrad(async () =>
    trainer.autocastContext(async () => model.forward(inputs) as unknown),
  );
  show(print, { output });
}

async function showStep(model: ModelBase, trainer: BaseTrainer, batch: DeviceBatch, print: Print): Promise<void> {
  title(print, "trainer");
  print(`a step of ${trainer.config.kind} on the CPU, precision ${trainer.precision}:`);
  model.train();
  const result = await trainer.autocastContext(async () => trainer.trainStep(batch, model));
  print(`  total loss: ${Number(result.totalLoss.item()).toFixed(6)}`);
  show(print, { losses: result.lossesToLog ?? {}, "additional outputs": result.additionalOutputs ?? {} });
  if (model.isFrozen) return print("the model is frozen: no gradients");
  result.totalLoss.backward();
  const without = model.nogradParamnames;
  if (without.length === 0) return print("backward: every trainable parameter got a gradient");
  print(`backward: ${without.length} trainable parameters got no gradient, so they are not trained:`);
  for (const name of without) print(`  ${name}`);
}

/** What each callback with a data set of its own makes of one batch. Others have nothing that could be shown. */
async function showCallbacks(model: ModelBase, trainer: BaseTrainer, batchSize: number, print: Print): Promise<void> {
  title(print, "callbacks");
  const callbacks = trainer.getUserCallbacks(model);
  if (callbacks.length === 0) print("none");
  model.eval();
  for (const callback of callbacks) {
    if (runsOverData(callback)) await showCallback(callback, model, batchSize, print);
    else print(`${nameOf(callback)}: has no data set, not called`);
  }
}

async function showCallback(
  callback: PeriodicDataIteratorCallback,
  model: ModelBase,
  batchSize: number,
  print: Print,
): Promise<void> {
  const indices = randomIndices(callback.dataset.length, callback.batchSize ?? batchSize);
  print(`${nameOf(callback)}: processData of ${samples(indices.length)} of ${callback.datasetKey}:`);
  const batch = await loadBatch(callback.dataset, indices);
  const result = await noGrad(async () => callback.processData(batch, model));
  show(print, { result: result instanceof ResultTuple ? result.items : result });
}

function runsOverData(callback: CallbackBase): callback is PeriodicDataIteratorCallback {
  return callback instanceof PeriodicDataIteratorCallback;
}

function nameOf(callback: CallbackBase): string {
  return String(callback);
}

/** Distinct indices, at most so many. */
function randomIndices(length: number, count: number): number[] {
  return (randperm(length).toArray() as (number | bigint)[]).slice(0, count).map(Number);
}

async function loadBatch(dataset: DatasetLike, indices: readonly number[]): Promise<DeviceBatch> {
  const loader = new DataLoader<Sample, Batch>(dataset, { sampler: indices, batchSize: indices.length });
  for await (const batch of loader) return moveItemsToDevice(DEVICE, batch);
  throw new RangeError("expected samples, but the data set is empty");
}

function samples(count: number): string {
  return `${count} sample${count === 1 ? "" : "s"}`;
}
