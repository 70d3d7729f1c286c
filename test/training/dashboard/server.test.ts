import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type IncomingHttpHeaders, request } from "node:http";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import { createDashboard } from "../../../lib/training/dashboard/server";
import { temporaryFolder } from "../../support/small-run";

let folder: ReturnType<typeof temporaryFolder>;
let server: FastifyInstance;
beforeEach(async () => {
  folder = temporaryFolder();
  for (const [id, lr] of [
    ["a/train", 0.1],
    ["b/train", 0.2],
  ] as const) {
    write(`${id}/hp_resolved.yaml`, `name: wing\nmodel: { lr: ${lr} }\ntracker: { api_key: topsecret }\n`);
    write(`${id}/log.txt`, `2026-01-31T12:00:00 I run ${id} Bearer abcdefghijkl\n`);
    write(`${id}/tracker/summary.yaml`, "{}\n");
    const lines = [1, 2, 3].map((u) =>
      JSON.stringify({ epoch: 1, update: u, sample: 4 * u, "loss/online/total/U1": lr / u }),
    );
    write(`${id}/tracker/metrics.jsonl`, `${lines.join("\n")}\n`);
  }
  write("a/train/pictures/test/0/p/U00000002_predicted.png", "PNG");
  write("a/train/report.html", "<p>report</p>");
  write("sweep/results.csv", 'run,lr,loss\n0,0.1,"1,5"\n1,0.2,"a ""b"""\n');
  write("outside.txt", "outside");
  server = await createDashboard(join(folder.path, "outputs"), { pollEvery: 20 });
});
afterEach(async () => {
  await server.close();
  folder.remove();
});

function write(file: string, text: string): void {
  const path = join(folder.path, file === "outside.txt" ? "" : "outputs", file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
interface Answer {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  json<T = unknown>(): T;
}

/** A request as it is spelled: neither its path nor its host is changed on the way. */
async function ask(
  to: FastifyInstance,
  url: string,
  {
    method = "GET",
    headers = {},
    payload,
  }: { method?: string; headers?: Record<string, string>; payload?: object } = {},
): Promise<Answer> {
  if (!to.server.listening) await to.listen({ host: "127.0.0.1", port: 0 });
  const { port } = to.server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const type = payload === undefined ? {} : { "content-type": "application/json" };
    const asked = request(
      { port, host: "127.0.0.1", path: url, method, headers: { ...type, ...headers } },
      (answer) => {
        let body = "";
        answer.setEncoding("utf8").on("data", (part: string) => (body += part));
        answer.on("end", () =>
          resolve({
            statusCode: answer.statusCode!,
            headers: answer.headers,
            body,
            json: () => JSON.parse(body) as never,
          }),
        );
      },
    );
    asked.once("error", reject).end(payload === undefined ? undefined : JSON.stringify(payload));
  });
}

const get = (url: string, headers: Record<string, string> = {}) => ask(server, url, { headers });
const send = (method: "POST" | "PUT", url: string, payload: object, headers: Record<string, string> = {}) =>
  ask(server, url, { method, payload, headers });

test("lists runs and sweeps, also those that come later", async () => {
  write("c/hp_resolved.yaml", "name: late\n");
  const { runs, sweeps } = (await get("/api/runs")).json<{
    runs: { id: string; state: string; update: number }[];
    sweeps: string[];
  }>();
  expect(runs.map(({ id }) => id)).toEqual(["a/train", "b/train", "c"]);
  expect(runs[0]).toMatchObject({ state: "finished", experiment: "wing", update: 3, starred: false });
  expect(sweeps).toEqual(["sweep"]);
});

test("curves of several runs over one axis", async () => {
  const runs = ["a/train", "b/train", "unknown"];
  expect((await send("POST", "/api/metrics", { runs })).json()).toEqual([
    { name: "loss/online/total", section: "Losses" },
  ]);
  const { charts, pending } = (
    await send("POST", "/api/charts", { runs, names: ["loss/online/total"], axis: "sample", points: 100 })
  ).json<{ charts: object; pending: string[] }>();
  expect(pending).toEqual([]);
  expect(charts).toEqual({
    "loss/online/total": { x: [4, 8, 12], runs: { "a/train": [0.1, 0.05, 0.1 / 3], "b/train": [0.2, 0.1, 0.2 / 3] } },
  });
});

test("configs, logs, tables and reports, without secrets", async () => {
  expect((await get("/api/config?run=a/train")).json()).toEqual({
    ...{ name: "wing", "model.lr": 0.1, "tracker.api_key": "***REDACTED***" },
  });
  expect((await get("/api/log?run=b/train")).body).toBe("2026-01-31T12:00:00 I run b/train Bearer ***REDACTED***\n");
  expect((await get("/api/sweep?sweep=sweep")).json()).toEqual({
    columns: ["run", "lr", "loss"],
    rows: [
      ["0", "0.1", "1,5"],
      ["1", "0.2", 'a "b"'],
    ],
  });
  const report = await get("/api/report?run=a/train");
  expect([report.body, report.headers["content-security-policy"]]).toEqual([
    "<p>report</p>",
    expect.stringMatching(/^sandbox;/),
  ]);
  expect((await get("/api/report?run=b/train")).statusCode).toBe(404);
});

test("pictures that are listed, and nothing else", async () => {
  expect((await get("/api/pictures?run=a/train")).json()).toEqual([
    { name: "test/0/p", update: 2, files: { predicted: "test/0/p/U00000002_predicted.png" } },
  ]);
  expect((await get("/api/picture?run=a/train&file=test/0/p/U00000002_predicted.png")).body).toBe("PNG");
});

test.each([
  "/api/picture?run=a/train&file=../hp_resolved.yaml",
  "/api/picture?run=a/train&file=..%2F..%2F..%2F..%2Foutside.txt",
  "/api/picture?run=a/train",
  "/api/log?run=..",
  "/api/log?run=../outputs/a/train",
  "/api/log?run=a",
  "/api/log?run=a/train&run=b/train",
  "/api/log?run=link",
  "/api/config",
  "/api/report?run=/etc",
  "/api/sweep?sweep=../outputs/sweep",
  "/dashboard.js/../../package.json",
  "/package.json",
  "/..%2f..%2fpackage.json",
])("%s leads nowhere", async (url) => {
  symlinkSync(folder.path, join(folder.path, "outputs", "link"), "dir");
  symlinkSync(join(folder.path, "outside.txt"), join(folder.path, "outputs/a/train/pictures/U00000001_x.png"));
  expect((await get(url)).statusCode).toBe(404);
});

test("a link among the pictures is no picture", async () => {
  symlinkSync(join(folder.path, "outside.txt"), join(folder.path, "outputs/a/train/pictures/U00000001_x.png"));
  expect((await get("/api/picture?run=a/train&file=U00000001_x.png")).statusCode).toBe(404);
});

test("a run is marked, and the mark is kept beside the runs", async () => {
  expect((await send("PUT", "/api/star", { run: "b/train", starred: true })).statusCode).toBe(200);
  expect(JSON.parse(readFileSync(join(folder.path, "outputs", ".dashboard.json"), "utf8"))).toEqual({
    starred: ["b/train"],
  });
  const again = await createDashboard(join(folder.path, "outputs"));
  const { runs } = (await ask(again, "/api/runs")).json<{
    runs: { starred: boolean }[];
  }>();
  expect(runs.map(({ starred }) => starred)).toEqual([false, true]);
  await again.close();
  expect((await send("PUT", "/api/star", { run: "nothing", starred: true })).statusCode).toBe(404);
  expect((await send("PUT", "/api/star", { run: "a/train", starred: "yes" })).statusCode).toBe(400);
});

test("requests for other hosts, and of other pages, are refused", async () => {
  expect((await get("/api/runs", { host: "evil.example" })).statusCode).toBe(403);
  expect((await get("/api/runs", { host: "127.0.0.1.evil.example" })).statusCode).toBe(403);
  expect((await get("/api/runs", { host: "[::1]:80" })).statusCode).toBe(200);
  const star = { run: "a/train", starred: true };
  expect((await send("PUT", "/api/star", star, { origin: "https://evil.example" })).statusCode).toBe(403);
  expect(existsSync(join(folder.path, "outputs", ".dashboard.json"))).toBe(false);
});

test("with a token nothing is shown without it; the page's address takes it once", async () => {
  const guarded = await createDashboard(join(folder.path, "outputs"), { token: "let me in" });
  const open = (url: string, headers: Record<string, string> = {}) =>
    ask(guarded, url, { headers: { host: "machine.example", ...headers } });
  for (const url of ["/", "/dashboard.js", "/api/runs", "/?token=wrong", "/api/runs?token=let%20me%20in"])
    expect((await open(url)).statusCode).toBe(401);
  const opened = await open("/?token=let%20me%20in");
  expect([opened.statusCode, opened.headers.location]).toEqual([303, "/"]);
  const cookie = String(opened.headers["set-cookie"]);
  expect(cookie).toMatch(/; HttpOnly; SameSite=Strict/);
  expect((await open("/api/runs", { cookie: cookie.split(";")[0]! })).statusCode).toBe(200);
  expect((await open("/api/runs", { authorization: "Bearer let me in" })).statusCode).toBe(200);
  expect((await open("/api/runs", { authorization: "Bearer let me out" })).statusCode).toBe(401);
  await guarded.close();
});

test("what changes comes as events: new metrics, new runs, runs that are gone", async () => {
  const address = await server.listen({ host: "127.0.0.1", port: 0 });
  const controller = new AbortController();
  const answer = await fetch(`${address}/api/events`, { signal: controller.signal });
  expect(answer.headers.get("content-type")).toBe("text/event-stream");
  const reader = answer.body!.getReader();
  let text = "";
  const next = async (wanted: RegExp): Promise<void> => {
    while (!wanted.test(text)) text += Buffer.from((await reader.read()).value!).toString("utf8");
    text = "";
  };
  await next(/retry/);
  appendFileSync(
    join(folder.path, "outputs/a/train/tracker/metrics.jsonl"),
    `${JSON.stringify({ epoch: 1, update: 4, sample: 16, "loss/online/total/U1": 0.01 })}\n`,
  );
  await next(/event: runs\ndata: .*"update":4.*"id":"a\/train"/);
  write("new/hp_resolved.yaml", "name: new\n");
  await next(/"id":"new"/);
  rmSync(join(folder.path, "outputs", "b"), { recursive: true });
  await next(/"removed":\["b\/train"\]/);
  controller.abort();
});
