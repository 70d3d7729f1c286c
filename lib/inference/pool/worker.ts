/** What a thread of a {@link PredictionPool} runs: loads the run, shares the weights of the others, and predicts one case after the other, or several at a time. */
import { parentPort, workerData } from "node:worker_threads";
import { loadEveryLayer, provideModulesOfThread } from "../../core/threads/own-modules";
import { encodeError } from "../../data/container/worker-errors";
import { adoptTensor, getNumThreads, scope, setNumThreads } from "../../torch";
import { loadRun } from "../run/load-run";
import type { TrainedRun } from "../run/trained-run";
import type { PredictedField } from "../predict/field-buffers";
import { readRequest, type ReadTask } from "../requests/answer";
import type { FromThread, NumberedTask, Result, ThreadSetup, ToThread } from "./messages";

const setup = workerData as ThreadSetup;
const port = parentPort!;
const send = (message: FromThread, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, [...transfer]);

async function load(): Promise<TrainedRun> {
  loadEveryLayer();
  provideModulesOfThread();
  const run = await loadRun(setup.path, setup.options);
  scope(() => {
    for (const [name, tensor] of [...run.model.namedParameters(), ...run.model.namedBuffers()]) {
      const shared = setup.weights[name];
      if (shared !== undefined) tensor.set_(adoptTensor(shared));
    }
  });
  return run;
}

const running = new Map<number, AbortController>();
const cancelled = new Set<number>();
/** The last task that was begun; they have rising numbers. */
let begun = -1;

type RunMessage = Extract<ToThread, { type: "run" }>;

/** A task that was read, and where its answer goes. */
interface Reading extends Omit<ReadTask, "write"> {
  readonly id: number;
  readonly write: (fields: Record<string, PredictedField>) => Promise<[Result, ArrayBufferView[]]>;
}

async function execute(run: TrainedRun, { tasks, operatorThreads }: RunMessage): Promise<void> {
  if (getNumThreads() !== operatorThreads) setNumThreads(operatorThreads);
  for (const { id } of tasks) {
    begun = id;
    running.set(id, new AbortController());
    if (cancelled.delete(id)) running.get(id)!.abort();
  }
  const readings: Reading[] = [];
  for (const task of tasks)
    await answering(task.id, async () => {
      running.get(task.id)!.signal.throwIfAborted();
      readings.push(await read(run, task));
    });
  for (const group of alike(readings)) await predict(run, group);
}

async function read(run: TrainedRun, { id, task }: NumberedTask): Promise<Reading> {
  if (task.type === "predict")
    return {
      id,
      inputs: task.inputs,
      options: task.options,
      write: async (fields) => [fields, Object.values(fields).map(({ values }) => values)],
    };
  const request = await readRequest(run, task);
  return {
    ...request,
    id,
    write: async (fields) => {
      const result = await request.write(fields);
      return [result, [result.body]];
    },
  };
}

/** Those with the same options, which can be one batch. */
function alike(readings: readonly Reading[]): Reading[][] {
  const groups = new Map<string, Reading[]>();
  for (const reading of readings) {
    const key = JSON.stringify([reading.options.chunkSize, reading.options.seed]);
    groups.set(key, [...(groups.get(key) ?? []), reading]);
  }
  return [...groups.values()];
}

async function predict(run: TrainedRun, group: readonly Reading[]): Promise<void> {
  const left = group.filter(({ id }) => running.has(id));
  const controllers = left.map(({ id }) => running.get(id)!);
  const all = new AbortController();
  const [first] = left;
  if (first === undefined) return;
  // what is computed together stops when nobody wants any of it
  for (const { signal } of controllers)
    signal.addEventListener("abort", () => {
      if (controllers.every((each) => each.signal.aborted)) all.abort();
    });
  if (controllers.every(({ signal }) => signal.aborted)) all.abort();
  const onProgress = ({ done, total }: { done: number; total: number }): void => {
    for (const { id } of left) send({ type: "progress", id, done, total });
  };
  const results = await run
    .predictAll(
      left.map(({ inputs }) => inputs),
      { ...first.options, signal: all.signal, onProgress },
    )
    .catch((reason: unknown) => left.map(() => ({ status: "rejected", reason }) as const));
  for (const [i, { id, write }] of left.entries())
    await answering(id, async () => {
      const settled = results[i]!;
      if (settled.status === "rejected") throw settled.reason;
      const [result, arrays] = await write(settled.value);
      send({ type: "result", id, result }, buffersOf(arrays));
      running.delete(id);
    });
}

/** Does a part of the work on a task; when it fails, that is the answer. */
async function answering(id: number, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    running.delete(id);
    send({ type: "error", id, error: encodeError(error) });
  }
}

/** Memory that moves instead of being copied: what the arrays have for themselves. */
function buffersOf(arrays: readonly ArrayBufferView[]): ArrayBuffer[] {
  const own = arrays.filter(
    ({ buffer, byteLength }) => buffer instanceof ArrayBuffer && buffer.byteLength === byteLength,
  );
  return [...new Set(own.map(({ buffer }) => buffer as ArrayBuffer))];
}

function cancel(id: number): void {
  const controller = running.get(id);
  if (controller) controller.abort();
  else if (id > begun) cancelled.add(id);
}

const loaded = load();
let last: Promise<void> = loaded.then(
  () => send({ type: "ready" }),
  (error: unknown) => send({ type: "failed", error: encodeError(error) }),
);
port.on("message", (message: ToThread) => {
  if (message.type === "close")
    process.exit(); // ends the thread alone
  else if (message.type === "cancel") cancel(message.id);
  else last = last.then(async () => execute(await loaded, message));
});
