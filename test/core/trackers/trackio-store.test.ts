/** Runs where there is SQLite: with Node 22.13 or later, or better-sqlite3. Elsewhere only that the error says so. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { TrackioTracker, TrackioTrackerSchema } from "../../../lib/core/trackers";
import { openTrackioStore, trackioFile } from "../../../lib/core/trackers/trackio-store";
import { openSqlite } from "../../../lib/io/cache/sqlite";
import { python } from "../../support/python";
import { temporaryFolder } from "../../support/small-run";
import { trackedRun } from "./support";

let folder: ReturnType<typeof temporaryFolder>;
const environment = { ...process.env };
beforeEach(() => {
  folder = temporaryFolder();
  process.env["TRACKIO_DIR"] = folder.path;
  delete process.env["TRACKIO_SERVER_URL"];
});
afterEach(() => {
  process.env = { ...environment };
  folder.remove();
});

const hasSqlite = (() => {
  try {
    openSqlite(":memory:").close();
    return true;
  } catch {
    return false;
  }
})();
if (!hasSqlite) console.info("skipped: Trackio's database (this Node has no SQLite, and better-sqlite3 is not there)");
const withSqlite = hasSqlite ? it : it.skip;
const withoutSqlite = hasSqlite ? it.skip : it;

const PNG = readFileSync(join(__dirname, "../../../docs/dashboard.png"));

const entry = (step: number, loss: number, config: Record<string, unknown> | null = null) => ({
  ...{ project: "wings", run: "wing", run_id: "r1", metrics: { loss }, step, config, log_id: `r1-${step}-${loss}` },
});

describe("the file of a project", () => {
  it("is in TRACKIO_DIR, HF_HOME or the cache of the user, and has the characters that Trackio keeps", () => {
    expect(trackioFile("my.wings 2_a-b")).toBe(join(folder.path, "mywings2_a-b.db"));
    expect(trackioFile("…")).toBe(join(folder.path, "default.db"));
    delete process.env["TRACKIO_DIR"];
    process.env["HF_HOME"] = "/hf";
    expect(trackioFile("a")).toBe(join("/hf", "trackio", "a.db"));
    delete process.env["HF_HOME"];
    process.env["XDG_CACHE_HOME"] = "/cache";
    expect(trackioFile("a")).toBe(join("/cache", "huggingface", "trackio", "a.db"));
  });

  it("has no name that Trackio keeps for itself", () =>
    expect(() => trackioFile("registry-x")).toThrow(/does not begin with "registry-"/));
});

withoutSqlite("the error says what is missing", () =>
  expect(() => openTrackioStore(trackioFile("a"))).toThrow("npm install better-sqlite3"),
);

withSqlite("an entry that is there already is left out, a configuration replaces the one before", () => {
  const path = trackioFile("wings");
  for (const entries of [[entry(1, 0.5, { a: 1 }), entry(2, 0.25)], [entry(2, 0.25, { a: 2 })]]) {
    const store = openTrackioStore(path);
    store.add(entries);
    store.close();
  }
  const database = openSqlite(path);
  const rows = database.prepare("SELECT step, metrics FROM metrics ORDER BY id").all() as {
    step: number;
    metrics: string;
  }[];
  expect(rows.map(({ step, metrics }) => [step, metrics])).toEqual([[1, '{"loss":0.5}'], [2, '{"loss":0.25}']]); // prettier-ignore
  expect(database.prepare("SELECT config FROM configs").all()).toMatchObject([{ config: '{"a":2}' }]);
  database.close();
});

withSqlite("a database of an older Trackio is refused, and stays as it is", () => {
  const path = trackioFile("old");
  const database = openSqlite(path);
  database.exec("CREATE TABLE metrics (id INTEGER PRIMARY KEY, run_name TEXT, step INTEGER, metrics TEXT)");
  database.close();
  expect(() => openTrackioStore(path)).toThrow(/is of an older Trackio/);
});

const trackio =
  hasSqlite && python !== undefined && spawnSync(python, ["-c", "import trackio"]).status === 0 ? python : undefined;
if (trackio === undefined)
  console.info("skipped: values read back by trackio (there is no SQLite, or PYTHON names no Python that has trackio)");

(trackio ? it : it.skip)(
  "is read by trackio",
  async () => {
    const run = trackedRun();
    const tracker = new TrackioTracker(
      TrackioTrackerSchema.parse({ kind: "noether.core.trackers.TrackioTracker", project: "wings" }),
      run.dependencies,
    );
    await tracker.init(run.init);
    for (const update of [1, 2]) await tracker.log({ update, "loss/total": update === 2 ? Infinity : 0.5 });
    await tracker.logPictures({ "test/0/p/true": PNG }, 2);
    await tracker.updateSummary({ "loss/total/min": 0.5 });
    await tracker.close();
    const script = `
import json, trackio
from trackio.sqlite_storage import SQLiteStorage
run, = trackio.Api().runs("wings")
logs = SQLiteStorage.get_logs("wings", run.name, run_id=run.id)
picture, = [e["test/0/p/true"] for e in logs if "test/0/p/true" in e]
import trackio.utils
size = (trackio.utils.MEDIA_DIR / picture["file_path"]).stat().st_size
print(json.dumps([run.name, [[e["step"], str(e["loss/total"])] for e in logs if "loss/total" in e], run.config["loss/total/min"], picture["_type"], size]))`;
    const { stdout, stderr } = spawnSync(trackio!, ["-c", script], { encoding: "utf8", env: process.env });
    run.remove();
    expect(stderr).not.toContain("Traceback");
    expect(JSON.parse(stdout.trim().split("\n").at(-1)!)).toEqual(["wing/default_r1", [[1, "0.5"], [2, "inf"]], 0.5, "trackio.image", PNG.length]); // prettier-ignore
  },
  60_000,
);
