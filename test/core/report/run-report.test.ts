import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { smallRun, temporaryFolder } from "../../support/small-run";
import { runReport, writeRunReport } from "../../../lib/core/report";
import { pictureFile, PICTURES } from "../../../lib/core/runs";

const folder = temporaryFolder();
afterAll(() => folder.remove());

test("of a run: metrics, curves, times, the config without secrets, the latest pictures; no scripts and no network", async () => {
  const { trainer, model, pathProvider } = smallRun({
    outputRootPath: folder.path,
    runId: "run",
    trainer: { log_every_n_updates: 1, add_default_callbacks: true },
  });
  await trainer.train(model);
  const run = pathProvider.runOutputPath;
  writeFileSync(join(run, "hp_resolved.yaml"), "name: <wing>\ntracker: { token: topsecret }\n");
  for (const update of [1, 2]) {
    const file = join(run, PICTURES, pictureFile("test/0/p", update, "predicted"));
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, `picture ${update}`);
  }
  const html = await runReport(run);
  expect(html).toContain("<h1>&#60;wing&#62;: ");
  for (const name of ["loss/online/total", "throughput/samples_per_second", "memory/peak_gib"])
    expect(html).toContain(`aria-label="${name}"`);
  expect(html).toContain("<td>backward</td>");
  expect(html).toContain(Buffer.from("picture 2").toString("base64"));
  expect(html).not.toContain(Buffer.from("picture 1").toString("base64"));
  expect(html).not.toMatch(/topsecret|<script|src="http|NaN"/);
});

test("of a run that failed the reason", async () => {
  const run = join(folder.path, "failed");
  mkdirSync(run);
  writeFileSync(
    join(run, "log.txt"),
    "2026-01-31T12:00:00 C E=1/2 U=3/4 the run failed:\nRuntimeError: a & b\n    at x.ts\n",
  );
  expect(await runReport(run)).toContain("RuntimeError: a &#38; b\n    at x.ts</pre>");
});

test("a report that cannot be written fails no run and leaves no half file", async () => {
  const run = join(folder.path, "full");
  mkdirSync(join(run, "report.html"), { recursive: true }); // in the way
  writeFileSync(join(run, "report.html", "x"), "");
  await expect(writeRunReport(run)).resolves.toBeUndefined();
  expect(readdirSync(run)).toEqual(["report.html"]);
  const empty = join(folder.path, "empty");
  mkdirSync(empty);
  await writeRunReport(empty);
  expect(readFileSync(join(empty, "report.html"), "utf8")).toMatch(/<\/html>\n$/);
});
