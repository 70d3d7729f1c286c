/** What a thread of a {@link PredictionPool} runs: loads the run, shares the weights of the others, and predicts one case after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { loadEveryLayer, provideModulesOfThread } from "../../core/threads/own-modules";
import { encodeError } from "../../data/container/worker-errors";
import { adoptTensor, scope, setNumThreads } from "../../torch";
import { loadRun } from "../run/load-run";
import type { TrainedRun } from "../run/trained-run";
import { answerRequest } from "../requests/answer";
import type { FromThread, Task, ThreadSetup, ToThread } from "./messages";

const setup = workerData as ThreadSetup;
const port = parentPort!;
const send = (message: FromThread, transfer: readonly ArrayBuffer[] = []): void =>
  port.postMessage(message, [...transfer]);

async function load(): Promise<TrainedRun> {
  setNumThreads(setup.operatorThreads);
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

async function execute(run: TrainedRun, id: number, task: Task): Promise<void> {
  const controller = new AbortController();
  const { signal } = controller;
  begun = id;
  running.set(id, controller);
  if (cancelled.delete(id)) controller.abort();
  const onProgress = ({ done, total }: { done: number; total: number }): void =>
    send({ type: "progress", id, done, total });
  try {
    signal.throwIfAborted();
    if (task.type === "request") {
      const result = await answerRequest(run, task, { signal, onProgress });
      send({ type: "result", id, result }, buffersOf([result.body]));
    } else {
      const result = await run.predict(task.inputs, { ...task.options, signal, onProgress });
      send({ type: "result", id, result }, buffersOf(Object.values(result).map(({ values }) => values)));
    }
  } catch (error) {
    send({ type: "error", id, error: encodeError(error) });
  } finally {
    running.delete(id);
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
  else last = last.then(async () => execute(await loaded, message.id, message.task));
});
