import { readFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ValueError } from "../../../lib/config/python-errors";
import { PredictionPool, QueueFullError } from "../../../lib/inference";
import { noGrad, type Tensor } from "../../../lib/torch";
import { airfoilCase, trainAirfoil } from "../../support/airfoil-run";
import { temporaryFolder } from "../../support/small-run";

const folder = temporaryFolder();
const root = process.cwd();
let path: string;
let pool: PredictionPool;
beforeAll(async () => {
  path = await trainAirfoil(folder.path);
  pool = await PredictionPool.create(path, { threads: 2, maxWaiting: 3, project: root });
}, 120_000);
afterAll(async () => {
  await pool.close();
  folder.remove();
});

const inputs = () => {
  const { surface_position, volume_position, inflow_design_parameters } = airfoilCase(0);
  return { surface_position, volume_position, inflow_design_parameters } as never;
};

it("gives the numbers of the run itself", async () => {
  const [own, pooled] = [await pool.run.predict(inputs()), await pool.predict(inputs())];
  expect(Object.keys(pooled)).toEqual(Object.keys(own));
  for (const [name, { values, shape }] of Object.entries(own)) {
    expect([name, pooled[name]!.shape]).toEqual([name, shape]);
    expect(Buffer.from(pooled[name]!.values.buffer).equals(Buffer.from(values.buffer))).toBe(true);
  }
});

it("in float64 gives the numbers of the run, lists with all their digits", async () => {
  await using double = await PredictionPool.create(path, { threads: 1, project: root, dtype: "float64" });
  const given = { ...(inputs() as object), inflow_design_parameters: [1 / 3, 20 / 3] } as never;
  const [own, pooled] = [await double.run.predict(given), await double.predict(given)];
  for (const [name, { values }] of Object.entries(own)) {
    expect([name, values instanceof Float64Array]).toEqual([name, true]);
    expect(Buffer.from(pooled[name]!.values.buffer).equals(Buffer.from(values.buffer))).toBe(true);
  }
});

it("has one copy of the weights: what changes in the run changes in its threads", async () => {
  const weights = pool.run.model.stateDict();
  const [name] = [...weights.keys()].filter(
    (key) => key.includes("domain_decoder_projections") && key.endsWith("bias"),
  );
  const before = await pool.predict(inputs());
  noGrad(() => weights.get(name!)!.add_(1));
  const after = await Promise.all([pool.predict(inputs()), pool.predict(inputs())]);
  noGrad(() => weights.get(name!)!.sub_(1));
  const differs = (a: typeof before, b: typeof before) =>
    Object.keys(a).some((key) => !Buffer.from(a[key]!.values.buffer).equals(Buffer.from(b[key]!.values.buffer)));
  expect(after.map((fields) => differs(fields, before))).toEqual([true, true]);
  expect(differs(after[0]!, after[1]!)).toBe(false);
});

it("gives errors as the run does, and goes on", async () => {
  await expect(pool.predict({ ...(inputs() as object), surface_positon: [1] })).rejects.toThrow(ValueError);
  await expect(pool.predict({} as never)).rejects.toThrow("expected the inputs surface_position");
  await expect(pool.predict({ surface_position: "x" } as never)).rejects.toThrow('input "surface_position": expected');
  expect(Object.keys(await pool.predict(inputs()))).toHaveLength(3);
});

it("stops between two chunks when it is told to", async () => {
  const controller = new AbortController();
  const seen: number[] = [];
  const stopped = pool.predict(inputs(), {
    chunkSize: 10,
    signal: controller.signal,
    onProgress: ({ done }) => {
      seen.push(done);
      controller.abort(new Error("enough"));
    },
  });
  await expect(stopped).rejects.toThrow("enough");
  expect(seen).toEqual([10]);
  await expect(pool.predict(inputs(), { signal: controller.signal })).rejects.toThrow("enough");
});

it("takes as many cases as may wait, and gives the event loop its turns meanwhile", async () => {
  while (pool.busy > 0) await nextTurn(); // what was stopped ends with its chunk
  let turns = 0;
  const counting = setInterval(() => turns++, 1).unref();
  const accepted = Array.from({ length: 5 }, async () => pool.predict(inputs()));
  expect([pool.busy, pool.waiting]).toEqual([2, 3]);
  await expect(pool.predict(inputs())).rejects.toThrow(QueueFullError);
  const results = await Promise.all(accepted);
  clearInterval(counting);
  expect(results).toHaveLength(5);
  expect(turns).toBeGreaterThan(0);
  expect([pool.busy, pool.waiting]).toEqual([0, 0]);
});

it("computes cases that wait together, each with its own answer", async () => {
  const one = await PredictionPool.create(path, { threads: 1, project: root });
  const cases = [0, 1, 2, 3].map((index) => {
    const { surface_position, volume_position, inflow_design_parameters } = airfoilCase(index);
    return { surface_position, volume_position: volume_position!.narrow(0, 0, 300), inflow_design_parameters } as never;
  });
  const controller = new AbortController();
  const [first, ...others] = cases.map(async (given, i) =>
    one.predict(given, i === 3 ? { signal: controller.signal } : {}),
  );
  expect([one.busy, one.waiting]).toEqual([1, 3]);
  await first;
  expect([one.busy, one.waiting]).toEqual([2, 1]);
  controller.abort(new Error("not wanted any more"));
  await expect(others[2]).rejects.toThrow("not wanted any more");
  for (const [i, fields] of (await Promise.all(others.slice(0, 2))).entries()) {
    const { values } = (await one.run.predict(cases[i + 1]!))["volume_pressure"]!;
    values.forEach((value, at) => expect(fields["volume_pressure"]!.values[at]).toBeCloseTo(value, 4));
  }
  await one.close();
});

it("replaces a thread that has ended, and fails what that was at", async () => {
  const running = pool.predict(inputs(), { chunkSize: 1 });
  const [thread] = pool.workers();
  await thread!.terminate();
  await expect(running).rejects.toThrow("a prediction thread ended unexpectedly (code 1)");
  expect(Object.keys(await pool.predict(inputs()))).toHaveLength(3);
});

it("says at the start what is wrong", async () => {
  await expect(PredictionPool.create(path, { threads: 0 })).rejects.toThrow("expected at least one thread");
  await expect(PredictionPool.create(path, { maxBatch: 0 })).rejects.toThrow("expected at least one case a batch");
  await expect(PredictionPool.create(`${path}-x`)).rejects.toThrow(/expected/);
});

it("fails what is under way when it is closed, and refuses more", async () => {
  const other = await PredictionPool.create(path, { threads: 1, project: root });
  const running = other.predict(inputs());
  const failed = expect(running).rejects.toThrow("the pool was closed");
  await other.close();
  await failed;
  await expect(other.predict(inputs())).rejects.toThrow("the pool is closed");
});

it("answers behind the server that docs/serving.md shows", async () => {
  const page = readFileSync(join(__dirname, "..", "..", "..", "docs", "serving.md"), "utf8");
  const code = /```js\n\/\/ server\.mjs\n([\s\S]*?)```/.exec(page)![1]!.replace(/^import .*$/gm, "");
  let server!: Server;
  const scope = {
    createServer: (handler: RequestListener) => ({ listen: () => (server = createServer(handler).listen(0)) }),
    PredictionPool: { create: () => pool },
  };
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  await (new Function(...Object.keys(scope), `return (async () => {${code}})()`)(
    ...Object.values(scope),
  ) as Promise<void>);
  try {
    const post = (body: unknown) =>
      fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
        method: "POST",
        body: JSON.stringify(body),
      });
    const { inflow_design_parameters, ...positions } = inputs() as Record<string, Tensor>;
    const lists = Object.fromEntries(Object.entries(positions).map(([name, each]) => [name, each.toArray()]));
    const own = await pool.predict(inputs());
    const answer = await post({ ...lists, inflow_design_parameters: inflow_design_parameters!.toArray() });
    const { surface_pressure } = (await answer.json()) as { surface_pressure: { shape: number[]; values: number[] } };
    expect(surface_pressure).toEqual({
      shape: own["surface_pressure"]!.shape,
      values: [...own["surface_pressure"]!.values],
    });
    const refused = await post(lists);
    expect([refused.status, await refused.json()]).toEqual([
      422,
      { error: expect.stringContaining("inflow_design_parameters") },
    ]);
  } finally {
    server.close();
  }
});
