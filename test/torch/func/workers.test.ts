/** Levels belong to a thread, and end with it. */
import { once } from "node:events";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { func, ones, tensor, type Tensor } from "../../../lib/torch";
import { native } from "../../../lib/torch/addon";
import { tryLoadNative } from "../../../lib/torch/loader";

const addonPath = tryLoadNative().attempts.at(-1)!.path!;
const script = join(__dirname, "worker.cjs");
const start = (workerData: object): Worker => new Worker(script, { workerData: { addon: addonPath, ...workerData } });
const answer = async (worker: Worker): Promise<unknown> => ((await once(worker, "message")) as unknown[])[0];

test("levels of another thread are not seen here", async () => {
  const worker = start({ task: "levels" });
  const ended = once(worker, "exit");
  const [level, depth] = (await answer(worker)) as number[];
  expect([level, depth]).toEqual([1, 1]);
  expect(native.transformDepth()).toBe(0);
  await ended;
});

test("tangents of several threads keep apart", async () => {
  const workers = [1, 2, 3].map((slope) => start({ task: "tangents", slope, rounds: 200 }));
  const ended = workers.map((worker) => once(worker, "exit"));
  const answers = workers.map(answer);
  const x = tensor([1, 2, 3]);
  for (let round = 0; round < 50; round++)
    expect((func.jvp((v: Tensor) => v.mul(v), [x], [ones([3])])[1] as Tensor).tolist()).toEqual([2, 4, 6]);
  expect(await Promise.all(answers)).toEqual([true, true, true]);
  await Promise.all(ended);
});

test.each(["ends", "terminated"])("a thread that %s inside of levels leaves none behind", async (task) => {
  const worker = start({ task });
  const ended = once(worker, "exit");
  expect(await answer(worker)).toBe("open");
  if (task === "terminated") await worker.terminate();
  await ended;
  const x = tensor([1, 2]);
  expect((func.jvp((v: Tensor) => v.mul(v), [x], [ones([2])])[1] as Tensor).tolist()).toEqual([2, 4]);
});
