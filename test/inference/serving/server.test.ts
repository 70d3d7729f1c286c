import type { FastifyInstance } from "fastify";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readArrays, writeArrays, type NdArray } from "../../../lib/data";
import { createServer, PredictionPool, type PredictedField } from "../../../lib/inference";
import { isLoopback } from "../../../lib/inference/serving/loopback";
import type { Tensor } from "../../../lib/torch";
import { airfoilCase, trainAirfoil } from "../../support/airfoil-run";
import { chromium, inBrowser } from "../../support/browser";
import { temporaryFolder } from "../../support/small-run";

const folder = temporaryFolder();
let pool: PredictionPool;
let server: FastifyInstance;
let expected: Record<string, PredictedField>;
const INPUTS = ["surface_position", "volume_position", "inflow_design_parameters"] as const;
const tensors = () => {
  const sample = airfoilCase(0);
  return Object.fromEntries(INPUTS.map((name) => [name, sample[name]!]));
};
const lists = () => Object.fromEntries(Object.entries(tensors()).map(([name, x]) => [name, x.toArray()]));

beforeAll(async () => {
  const path = await trainAirfoil(folder.path);
  pool = await PredictionPool.create(path, { threads: 1, maxWaiting: 1, project: process.cwd() });
  server = await createServer(pool, { maxPoints: 4000, maxBody: 200_000 });
  expected = await pool.predict(tensors());
}, 120_000);
afterAll(async () => {
  await server.close();
  await pool.close();
  folder.remove();
});

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers?: Record<string, string>;
  readonly payload?: string | Buffer;
}
const addresses = new Map<FastifyInstance, Promise<string>>();

/** A request over the loopback. */
async function ask(to: FastifyInstance, { method, url, headers = {}, payload }: Asked) {
  if (!addresses.has(to)) addresses.set(to, to.listen({ port: 0, host: "127.0.0.1" }));
  const body = payload === undefined ? {} : { body: typeof payload === "string" ? payload : new Uint8Array(payload) };
  const response = await fetch(`${await addresses.get(to)!}${url}`, { method, headers, ...body });
  const rawPayload = Buffer.from(await response.arrayBuffer());
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers) as Record<string, string>,
    rawPayload,
    body: rawPayload.toString("utf8"),
    json: <T>(): T => JSON.parse(rawPayload.toString("utf8")) as T,
  };
}

const json = (body: unknown, headers: Record<string, string> = {}) =>
  ask(server, {
    method: "POST",
    url: "/predict",
    headers: { "content-type": "application/json", ...headers },
    payload: typeof body === "string" ? body : JSON.stringify(body),
  });

describe("POST /predict", () => {
  it("takes JSON and gives all fields as the run predicts them", async () => {
    const response = await json({ inputs: lists() });
    expect([response.statusCode, response.headers["content-type"]]).toEqual([200, "application/json"]);
    const { fields } = response.json<{ fields: Record<string, { values: number[]; shape: number[] }> }>();
    expect(Object.keys(fields)).toEqual(Object.keys(expected));
    for (const [name, { values, shape }] of Object.entries(expected))
      expect(fields[name]).toEqual({ shape, values: [...values] });
  });

  it("takes and gives float32 as base64, and only the fields that are asked for", async () => {
    const inputs = Object.fromEntries(
      Object.entries(tensors()).map(([name, x]) => [
        name,
        { shape: x.shape, base64: Buffer.from((x.contiguous().dataSync() as Float32Array).buffer).toString("base64") },
      ]),
    );
    const response = await json({ inputs, outputs: ["volume_pressure"], encoding: "base64" });
    const { fields } = response.json<{ fields: Record<string, { base64: string }> }>();
    const { values, shape } = expected["volume_pressure"]!;
    expect(fields).toEqual({
      volume_pressure: {
        shape,
        base64: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64"),
      },
    });
  });

  it("takes and gives npz", async () => {
    const path = join(folder.path, "inputs.npz");
    const arrays = Object.entries(tensors()).map(([name, x]: [string, Tensor]): [string, NdArray] => [
      name,
      { values: x.contiguous().dataSync() as Float32Array, shape: x.shape },
    ]);
    await writeArrays(new Map(arrays), path);
    const response = await ask(server, {
      method: "POST",
      url: "/predict?outputs=surface_pressure",
      headers: { "content-type": "application/x-npz", accept: "application/x-npz" },
      payload: readFileSync(path),
    });
    expect([response.statusCode, response.headers["content-type"]]).toEqual([200, "application/x-npz"]);
    const answer = join(folder.path, "answer.npz");
    writeFileSync(answer, response.rawPayload);
    const read = await readArrays(answer);
    expect([...read.keys()]).toEqual(["surface_pressure"]);
    expect([...read.field("surface_pressure").values]).toEqual([...expected["surface_pressure"]!.values]);
  });

  it("streams progress and then the fields as lines", async () => {
    const response = await json({ inputs: lists(), chunk_size: 100 }, { accept: "application/x-ndjson" });
    const lines = response.body
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toEqual({ done: 100, total: lines[0]!["total"] });
    expect(lines.at(-2)).toMatchObject({ done: lines[0]!["total"] });
    expect(Object.keys(lines.at(-1)!["fields"] as object)).toEqual(Object.keys(expected));
  });
});

describe("a request that cannot be answered", () => {
  const message = async (body: unknown, headers?: Record<string, string>) => {
    const response = await json(body, headers);
    return [response.statusCode, response.json<{ error: string }>().error] as const;
  };
  it.each([
    ["{", 400, /^the body is no JSON: /],
    [{}, 400, /^the body: inputs: /],
    [{ inputs: {}, chunksize: 1 }, 400, /chunksize/],
    [{ inputs: {}, chunk_size: 0 }, 400, /^the body: chunk_size: /],
    [
      { inputs: { surface_position: { shape: [2, 2], values: [1] } } },
      400,
      /expected 4 numbers for the shape \(2, 2\), got 1/,
    ],
    [{ inputs: { surface_position: { shape: [1], base64: "AAA=" } } }, 400, /expected 4 bytes a number/],
    [{ inputs: {} }, 422, /^expected the inputs surface_position, .*missing: surface_position/],
    [{ inputs: { surface_position: Array(4001).fill([0, 0]) } }, 413, /expected at most 4000 points, got 4001/],
  ])("gets its reason (%#)", async (body, status, problem) => {
    const [code, error] = await message(body);
    expect([code, error]).toEqual([status, expect.stringMatching(problem)]);
  });

  it("says which fields and media types there are", async () => {
    expect(await message({ inputs: lists(), outputs: ["lift"] })).toEqual([
      400,
      'outputs: the run predicts surface_pressure, volume_velocity, volume_pressure, not "lift"',
    ]);
    expect((await message({ inputs: {} }, { accept: "text/html" }))[0]).toBe(406);
    expect(await message("x", { "content-type": "text/plain" })).toEqual([
      415,
      "expected a body of application/json, application/x-npz, application/octet-stream, model/stl, model/obj, got text/plain",
    ]);
    expect((await message(""))[0]).toBe(400);
    expect((await message({ inputs: { a: "x".repeat(300_000) } }))[0]).toBe(413);
    const damaged = await ask(server, {
      method: "POST",
      url: "/predict",
      headers: { "content-type": "application/x-npz" },
      payload: "PK damaged",
    });
    expect(damaged.statusCode).toBe(400);
    expect(damaged.body).not.toContain("noether-request");
  });

  it("of a wrong path names the description", async () => {
    const response = await ask(server, { method: "GET", url: "/predct?x=1" });
    expect([response.statusCode, response.json<object>()]).toEqual([
      404,
      { error: "there is no GET /predct; see /openapi.json" },
    ]);
  });

  it("beyond the queue is refused with 429 and when to come again", async () => {
    const responses = await Promise.all(
      Array.from({ length: 6 }, async () => json({ inputs: lists(), chunk_size: 64 })),
    );
    expect(new Set(responses.map(({ statusCode }) => statusCode))).toEqual(new Set([200, 429]));
    expect(responses.find(({ statusCode }) => statusCode === 429)!.headers["retry-after"]).toBe("1");
  });
});

/** What was given up ends with its chunk. */
async function untilIdle(): Promise<void> {
  while (pool.busy > 0) await new Promise((resolve) => setImmediate(resolve));
}

it("stops the prediction of a client that has gone", async () => {
  const address = await addresses.get(server)!;
  const controller = new AbortController();
  const response = await fetch(`${address}/predict`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/x-ndjson" },
    body: JSON.stringify({ inputs: lists(), chunk_size: 1 }),
    signal: controller.signal,
  });
  await response.body!.getReader().read();
  expect(pool.busy).toBe(1);
  controller.abort();
  await untilIdle();
  expect((await json({ inputs: lists() })).statusCode).toBe(200);
});

it("gives up after its time", async () => {
  const hasty = await createServer(pool, { timeout: 0 });
  const response = await ask(hasty, {
    method: "POST",
    url: "/predict",
    headers: { "content-type": "application/json" },
    payload: JSON.stringify({ inputs: lists(), chunk_size: 1 }),
  });
  expect([response.statusCode, response.json<object>()]).toEqual([
    504,
    { error: "the prediction took longer than 0 s" },
  ]);
  await hasty.close();
  await untilIdle();
});

it("describes the run, itself, and what it counts", async () => {
  const get = async (url: string) => ask(server, { method: "GET", url });
  expect((await get("/healthz")).json<object>()).toEqual({ status: "ok", threads: 1, busy: 0, waiting: 0 });
  const run = (await get("/run")).json<{ inputs: { name: string }[]; checkpoint: string }>();
  expect([run.checkpoint, run.inputs.map(({ name }) => name)]).toEqual(["latest", INPUTS]);
  const api = (await get("/openapi.json")).json<{
    openapi: string;
    paths: Record<
      string,
      {
        post: {
          requestBody: { content: Record<string, { schema: { properties: { inputs: { required: string[] } } } }> };
        };
      }
    >;
  }>();
  expect(api.openapi).toBe("3.1.0");
  expect(
    api.paths["/predict"]!.post.requestBody.content["application/json"]!.schema.properties.inputs.required,
  ).toEqual(INPUTS);
  const metrics = (await get("/metrics")).body;
  expect(metrics).toMatch(/^noether_request_seconds_count\{path="\/predict",status="200"\} \d+$/m);
  expect(metrics).toMatch(/^noether_threads 1$/m);
});

/** What a server has, by its own tree: a route is what its line and those that it hangs from have in common. */
function routesOf(fastify: FastifyInstance): string[] {
  const path: string[] = [];
  return fastify
    .printRoutes({ commonPrefix: false })
    .split("\n")
    .flatMap((line) => {
      const [, indent, part, method] = /^(.*?)[├└]── (\S+)(?: \((\w+))?/.exec(line) ?? [];
      if (part === undefined) return [];
      path.length = indent!.length / 4;
      path.push(part);
      return method === undefined ? [] : [`${method.toLowerCase()} ${path.join("")}`];
    });
}

it.each([null, join("examples", "airfoil", "shapes.mjs")])(
  "describes every route and media type that it has (shapes: %s)",
  async (shapes) => {
    const described = await createServer(pool, { shapes, token: "s3cret" });
    const headers = { authorization: "Bearer s3cret" };
    type Description = { paths: Record<string, Record<string, { requestBody?: { content: object }; security?: [] }>> };
    const { paths } = (await ask(described, { method: "GET", url: "/openapi.json", headers })).json<Description>();
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((name) => `${name} ${path}`),
    );
    const own = routesOf(described);
    expect(own.length).toBe(shapes === null ? 6 : 7);
    expect(routes.sort()).toEqual(own.sort());
    // those that the description calls open are open, and no others
    for (const [path, methods] of Object.entries(paths)) {
      const { statusCode } = await ask(described, { method: "get" in methods ? "GET" : "POST", url: path });
      expect([path, statusCode !== 401]).toEqual([path, methods["get"]?.security !== undefined]);
    }
    // a media type that is described is not refused as another one
    for (const type of Object.keys(paths["/predict"]!["post"]!.requestBody!.content)) {
      const sent = { ...headers, "content-type": type };
      const { statusCode } = await ask(described, { method: "POST", url: "/predict", headers: sent, payload: "?" });
      expect([type, statusCode]).toEqual([type, 400]);
    }
    await described.close();
  },
);

it("with a token lets nobody else in", async () => {
  const closed = await createServer(pool, { token: "s3cret" });
  const get = async (url: string, authorization?: string) =>
    (await ask(closed, { method: "GET", url, headers: authorization === undefined ? {} : { authorization } }))
      .statusCode;
  expect(await get("/run")).toBe(401);
  expect(await get("/run", "Bearer s3creT")).toBe(401);
  expect(await get("/run", "Bearer s3cret")).toBe(200);
  expect(await get("/healthz")).toBe(200);
  await closed.close();
});

it.each([
  ["127.0.0.1", true],
  ["127.8.8.8", true],
  ["::1", true],
  ["localhost", true],
  ["0.0.0.0", false],
  ["::", false],
  ["127.evil.example", false],
])("%s is the loopback: %s", (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

if (chromium === undefined)
  console.info("skipped: the page with sliders in a browser (no Chromium; CHROMIUM names one)");
(chromium ? test : test.skip)(
  "has sliders for the shape of the airfoil and its angle, and shows the flow after each move",
  async () => {
    const withShapes = await createServer(pool, { shapes: join("examples", "airfoil", "shapes.mjs") });
    const url = await withShapes.listen({ port: 0, host: "127.0.0.1" });
    const ticks = `[...document.getElementById("ticks").children].map((tick) => tick.textContent)`;
    const shown = `new Promise((resolve) => { const title = document.getElementById("title"); const look = () => title.textContent.startsWith("airfoil") ? resolve(title.textContent) : setTimeout(look, 20); look(); })`;
    const moved = `new Promise((resolve) => {
      new MutationObserver((_, observer) => (observer.disconnect(), resolve(title.textContent))).observe(title, { childList: true });
      const angle = document.querySelector("#parameters input[name=angle]");
      angle.value = "10";
      angle.dispatchEvent(new Event("input"));
      angle.dispatchEvent(new Event("change"));
    })`;
    try {
      const { values, errors } = await inBrowser(folder.path, `${url}/`, [
        shown,
        `[...document.querySelectorAll("#parameters input")].map(({ name }) => name)`,
        `{ var before = ${ticks}.join(); } ${moved}`,
        `${ticks}.join() !== before`,
        `{ const list = document.getElementById("field"); list.value = "|velocity|"; list.dispatchEvent(new Event("change")); } document.getElementById("without").textContent`,
        `[...document.getElementById("beside").options].map(({ value }) => value)`,
        `document.getElementById("message").textContent`,
      ]);
      expect(errors).toEqual([]);
      expect(values[0]).toBe("airfoil at 4°");
      expect(values[1]).toEqual(["camber", "position", "thickness", "angle", "speed"]);
      expect(values.slice(2, 5)).toEqual(["airfoil at 10°", true, "surface: no velocity"]);
      expect(values.slice(5)).toEqual([["", "previous"], ""]);
    } finally {
      await withShapes.close();
    }
  },
  120_000,
);

(chromium ? test : test.skip)(
  "the page asks for the token of a server that has one",
  async () => {
    const closed = await createServer(pool, { shapes: join("examples", "airfoil", "shapes.mjs"), token: "s3cret" });
    const url = await closed.listen({ port: 0, host: "127.0.0.1" });
    const until = (what: string) =>
      `new Promise((resolve) => { const look = () => ${what} ? resolve(true) : setTimeout(look, 20); look(); })`;
    const enter = (text: string) =>
      `{ const input = document.getElementById("token"); input.value = ${JSON.stringify(text)}; input.dispatchEvent(new Event("change")); }`;
    try {
      const { values, errors } = await inBrowser(folder.path, `${url}/`, [
        until(`!document.getElementById("tokenRow").hidden`),
        `${enter("guess")} ${until(`document.getElementById("message").textContent.includes("not the token")`)}`,
        `${enter("s3cret")} ${until(`document.getElementById("title").textContent.startsWith("airfoil")`)}`,
        `[document.getElementById("tokenRow").hidden, document.getElementById("message").textContent]`,
      ]);
      expect(errors).toEqual([]);
      expect(values).toEqual([true, true, true, [true, ""]]);
    } finally {
      await closed.close();
    }
  },
  120_000,
);

test("a file of shapes that is not there is an error before anything is served", async () => {
  await expect(createServer(pool, { shapes: "no.mjs" })).rejects.toThrow(/no\.mjs: expected the file of a module/);
});
