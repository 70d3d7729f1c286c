/** `noether-ts dashboard`, and the dashboard of a run, as people start them. */
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { runCli, startCli } from "./run-cli";

const folder = mkdtempSync(join(tmpdir(), "noether-dashboard-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The first match in what a stream says. */
async function said(stream: Readable, wanted: RegExp): Promise<string> {
  let text = "";
  for await (const part of stream.iterator({ destroyOnReturn: false })) {
    text += String(part);
    const match = wanted.exec(text);
    if (match !== null) return match[1]!;
  }
  throw new Error(`expected ${wanted}, got ${text}`);
}

test("a run shows itself while it trains, prints where, and leaves a report", async () => {
  const overrides = ["configs/train.yaml", "+dashboard=true", "+run_id=shown", `output_path=${folder}`];
  const run = startCli("noether-train", [...overrides, "trainer.max_epochs=100000"]);
  run.stdout!.resume();
  const address = new URL(await said(run.stderr!, /dashboard: (\S+)\n/));
  run.stderr!.resume();
  expect([address.hostname, address.hash]).toEqual(["127.0.0.1", "#run=shown%2Ftrain"]);
  const { runs } = (await (await fetch(new URL("/api/runs", address))).json()) as { runs: { id: string; state: string }[] };
  expect(runs).toMatchObject([{ id: "shown/train", state: "running" }]);
  expect(await (await fetch(new URL("/dashboard.js", address))).text()).toContain("/api/events");
  run.kill("SIGTERM");
  await once(run, "exit");
  expect(run.exitCode).toBe(0);
  expect(readFileSync(join(folder, "shown/train", "report.html"), "utf8")).toContain("</html>");
  // how a run is watched is no part of the experiment
  expect(readFileSync(join(folder, "shown/train", "hp_resolved.yaml"), "utf8")).not.toMatch(/^(dashboard|report):/m);
}, 120_000);

test("report: false leaves no report", () => {
  const { code } = runCli("noether-train", ["configs/train.yaml", "+report=false", "+run_id=plain", `output_path=${folder}`]);
  expect(code).toBe(0);
  const files = readdirSync(join(folder, "plain/train"));
  expect([files.includes("log.txt"), files.includes("report.html")]).toEqual([true, false]);
}, 60_000);

test("noether-ts dashboard serves a folder until a signal comes", async () => {
  const server = startCli("noether-ts", ["dashboard", folder, "--port", "0"]);
  const address = await said(server.stdout!, /on (http:\S+);/);
  const page = await (await fetch(address)).text();
  expect(page).toContain("/dashboard.js");
  server.kill("SIGTERM");
  await once(server, "exit");
  expect(server.exitCode).toBe(0);
}, 60_000);

test("mistakes are told before anything is served", () => {
  const usage = runCli("noether-ts", ["dashboard", join(folder, "nothing")]);
  expect([usage.code, usage.stderr]).toEqual([2, expect.stringContaining("there is no folder")]);
  expect(runCli("noether-ts", ["dashboard", folder, "--port", "x"]).code).toBe(2);
  const open = runCli("noether-ts", ["dashboard", folder, "--host", "0.0.0.0"]);
  expect([open.code, open.stderr]).toEqual([1, expect.stringContaining("NOETHER_DASHBOARD_TOKEN")]);
  const help = runCli("noether-ts", ["dashboard", "--help"]);
  expect(help.code).toBe(0);
  expect(Math.max(...help.stdout.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(80);
}, 60_000);
