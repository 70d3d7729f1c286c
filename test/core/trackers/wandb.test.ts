import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { WandBTracker, WandBTrackerSchema } from "../../../lib/core/trackers";
import { AnyTracker, isTrackerOff } from "../../../lib/core/trackers/any-tracker";
import { jsonServer, type Received } from "../../support/json-server";
import { python } from "../../support/python";
import { trackedRun } from "./support";

let run: ReturnType<typeof trackedRun>;
const environment = { ...process.env };
beforeEach(() => {
  run = trackedRun();
  delete process.env["WANDB_API_KEY"];
  process.env["NETRC"] = join(run.path, "no-netrc");
});
afterEach(() => {
  process.env = { ...environment };
  run.remove();
});

const tracker = (config: object = {}) => {
  const wandb = new WandBTracker(
    WandBTrackerSchema.parse({ kind: "noether.core.trackers.WandBTracker", project: "cars", ...config }),
    run.dependencies,
  );
  jest.spyOn(wandb.logger, "warning").mockImplementation(() => undefined);
  return wandb;
};
const bucket = (lines: number) => ({
  upsertBucket: {
    bucket: { name: "r1", historyLineCount: lines, project: { name: "cars", entity: { name: "me" } } },
  },
});

/** Runs a tracker against a server that has `lines` of the run already. */
async function online(lines: number, answer?: (request: Received) => readonly [number, unknown]): Promise<Received[]> {
  const server = await jsonServer(
    answer ?? (({ path }) => [200, path === "/graphql" ? { data: bucket(lines) } : { exitcode: null }]),
  );
  try {
    process.env["WANDB_BASE_URL"] = server.url;
    process.env["WANDB_API_KEY"] = "secret";
    const wandb = tracker({ entity: "me" });
    await wandb.init(run.init);
    await wandb.log({ epoch: 1, update: 5, loss: NaN });
    await wandb.setSummary("best", 0.5);
    await wandb.close();
    return server.received;
  } finally {
    await server.close();
  }
}

it("begins the run, streams its history, and ends it with the summary", async () => {
  const received = await online(0);
  const [begin, history, end] = received.map(({ body }) => body as Record<string, Record<string, never>>);
  expect(begin!["variables"]).toMatchObject({ name: "r1", project: "cars", entity: "me", displayName: "wing/default" });
  expect(JSON.parse(begin!["variables"]!["config"]!)).toMatchObject({ hp: { value: { model: { depth: 2 } } } });
  expect(received[1]!.path).toBe("/files/me/cars/r1/file_stream");
  const { offset, content } = history!["files"]!["wandb-history.jsonl"]! as { offset: number; content: string[] };
  expect(offset).toBe(0);
  expect(JSON.parse(content[0]!)).toMatchObject({ epoch: 1, update: 5, loss: "NaN", _step: 0 });
  expect(end).toEqual({
    files: { "wandb-summary.json": { offset: 0, content: ['{"best":0.5}'] } },
    complete: true,
    exitcode: 0,
  });
  expect(new Set(received.map(({ headers }) => headers.authorization))).toEqual(
    new Set([`Basic ${Buffer.from("api:secret").toString("base64")}`]),
  );
});

const PNG = readFileSync(join(__dirname, "../../../docs/dashboard.png"));
const SIZE = { width: 1120, height: 700 };

it("uploads pictures and names them in the history", async () => {
  const server = await jsonServer(({ path, body }) => {
    if (path !== "/graphql") return [200, {}];
    if (!(body as { query: string }).query.includes("createRunFiles")) return [200, { data: bucket(0) }];
    const files = [{ name: "p", uploadUrl: "/storage/place?signed=1" }];
    return [200, { data: { createRunFiles: { uploadHeaders: ["x-id:a:b"], files } } }];
  });
  try {
    process.env["WANDB_BASE_URL"] = server.url;
    process.env["WANDB_API_KEY"] = "secret";
    const wandb = tracker();
    await wandb.init(run.init);
    await wandb.log({ update: 5, loss: 1 });
    await wandb.logPictures({ "test/0/p/true": PNG }, 5);
    await wandb.close();
    const [create, put, stream] = server.received.slice(-4);
    const [path] = (create!.body as { variables: { files: string[] } }).variables.files as [string];
    const sha256 = createHash("sha256").update(PNG).digest("hex");
    expect(path).toBe(`media/images/test/0/p/true_1_${sha256.slice(0, 20)}.png`);
    expect(put).toMatchObject({ method: "PUT", path: "/storage/place?signed=1", body: PNG });
    expect(put!.headers).toMatchObject({ "x-id": "a:b", "content-type": "image/png" });
    // the address is signed; the key is for the server alone
    expect(put!.headers.authorization).toBeUndefined();
    const { files, uploaded } = stream!.body as {
      files: Record<string, { offset: number; content: string[] }>;
      uploaded: string[];
    };
    expect(uploaded).toEqual([path]);
    expect(files["wandb-history.jsonl"]!.offset).toBe(1);
    const file = { _type: "image-file", sha256, size: PNG.length, path, format: "png", ...SIZE };
    expect(JSON.parse(files["wandb-history.jsonl"]!.content[0]!)).toMatchObject({ update: 5, "test/0/p/true": file });
  } finally {
    await server.close();
  }
});

it("goes on behind the lines that the server has", async () => {
  const { files } = (await online(40))[1]!.body as { files: Record<string, { offset: number; content: string[] }> };
  expect(files["wandb-history.jsonl"]!.offset).toBe(40);
  expect(JSON.parse(files["wandb-history.jsonl"]!.content[0]!)).toMatchObject({ _step: 40 });
});

it("stops at what the server refuses, and never shows the key", async () => {
  const received = await online(0, () => [200, { errors: [{ message: "permission denied" }] }]);
  expect(received).toHaveLength(1);
});

it("takes the key of its server from netrc", async () => {
  process.env["WANDB_BASE_URL"] = "http://wandb.example:8080";
  writeFileSync(
    (process.env["NETRC"] = join(run.dependencies.pathProvider.outputRoot, "netrc")),
    "machine other\n  password x\nmachine wandb.example\n  login user\n  password k\n",
  );
  expect(() => tracker()).not.toThrow();
});

it("is no tracker when it is disabled, and is refused without a mode", () => {
  const parse = (mode: unknown) =>
    AnyTracker.parse({ kind: "noether.core.trackers.WandBTracker", project: "cars", mode });
  expect([isTrackerOff(parse("disabled")), isTrackerOff(parse("offline")), isTrackerOff(null)]).toEqual([
    true,
    false,
    true,
  ]);
  expect(() => tracker({ mode: null })).toThrow('tracker.mode: expected "online", "offline" or "disabled", got null');
});

it("asks for a key before the run, but not offline", () => {
  process.env["WANDB_BASE_URL"] = "https://api.wandb.ai";
  expect(() => tracker()).toThrow("Weights & Biases needs a key: set WANDB_API_KEY");
  expect(() => tracker({ mode: "offline" })).not.toThrow();
});

it("writes a file for wandb sync when it is offline", async () => {
  const wandb = tracker({ mode: "offline" });
  await wandb.init(run.init);
  await wandb.log({ update: 1, loss: 1 });
  await wandb.close();
  const [folder] = readdirSync(join(run.path, "wandb"));
  expect(folder).toMatch(/^offline-run-\d{8}_\d{6}-r1$/);
  expect(readdirSync(join(run.path, "wandb", folder!))).toEqual(["run-r1.wandb"]);
});

it("stores pictures beside that file", async () => {
  const wandb = tracker({ mode: "offline" });
  await wandb.init(run.init);
  await wandb.logPictures({ "test/0/p/true": PNG }, 1);
  await wandb.close();
  const [folder] = readdirSync(join(run.path, "wandb"));
  const media = join(run.path, "wandb", folder!, "files", "media", "images", "test", "0", "p");
  const [name] = readdirSync(media);
  expect(name).toMatch(/^true_0_[0-9a-f]{20}\.png$/);
  expect(readFileSync(join(media, name!)).equals(PNG)).toBe(true);
});

const wandbPython = python !== undefined && spawnSync(python, ["-c", "import wandb"]).status === 0 ? python : undefined;
if (wandbPython === undefined) console.info("skipped: wandb sync (PYTHON names no Python that has wandb)");

(wandbPython ? it : it.skip)(
  "wandb sync uploads an offline run with its metrics and pictures",
  async () => {
    const wandb = tracker({ mode: "offline" });
    await wandb.init(run.init);
    await wandb.log({ update: 3, loss: 0.5 });
    await wandb.logPictures({ "test/0/p/true": PNG }, 3);
    await wandb.close();
    const server = await jsonServer(({ path, body }) => {
      if (path !== "/graphql") return [200, {}];
      const { query, variables } = body as { query: string; variables: { files: string[] } };
      if (query.includes("createRunFiles")) {
        const files = variables.files.map((name) => ({ name, uploadUrl: `${server.url}/storage/${name}` }));
        return [200, { data: { createRunFiles: { runID: "r", uploadHeaders: [], files } } }];
      }
      return [200, { data: query.includes("upsertBucket") ? bucket(0) : {} }];
    });
    try {
      const offline = join(run.path, "wandb", readdirSync(join(run.path, "wandb"))[0]!);
      const env = { ...process.env, WANDB_BASE_URL: server.url, WANDB_API_KEY: "a".repeat(40) };
      const child = spawn(wandbPython!, ["-m", "wandb", "sync", offline], { env, stdio: "ignore" });
      expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
      const history = server.received.flatMap(({ path, body }) => {
        if (!path.endsWith("/file_stream")) return [];
        const { files } = body as { files?: Record<string, { content: string[] }> };
        return (files?.["wandb-history.jsonl"]?.content ?? []).map((line) => JSON.parse(line) as object);
      });
      expect(history).toContainEqual(expect.objectContaining({ update: 3, loss: 0.5 }));
      const media = history.find((line) => "test/0/p/true" in line) as Record<string, { path: string }>;
      const { path } = media["test/0/p/true"]!;
      const stored = server.received.find(({ method, path: at }) => method === "PUT" && at === `/storage/${path}`);
      expect((stored!.body as Buffer).equals(PNG)).toBe(true);
    } finally {
      await server.close();
    }
  },
  120_000,
);
