import { spawn, spawnSync } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { MlflowTracker, MlflowTrackerConfig } from "../../../lib/core/trackers";
import { jsonServer, type Received } from "../../support/json-server";
import { python } from "../../support/python";
import { temporaryFolder } from "../../support/small-run";
import { trackedRun } from "./support";

const KEYS = ["MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"];
let run: ReturnType<typeof trackedRun>;
const environment = { ...process.env };
beforeEach(() => {
  run = trackedRun();
  for (const key of KEYS) delete process.env[key];
});
afterEach(() => {
  process.env = { ...environment };
  run.remove();
});

/** What an MLflow server answers. */
function answer({ path }: Received): readonly [number, unknown] {
  if (path.includes("experiments/get-by-name")) return [404, { error_code: "RESOURCE_DOES_NOT_EXIST" }];
  if (path.endsWith("experiments/create")) return [200, { experiment_id: "7" }];
  if (path.endsWith("runs/create")) return [200, { run: { info: { run_id: "abc" } } }];
  return [200, {}];
}
const tracker = (config: object) =>
  new MlflowTracker(
    MlflowTrackerConfig.parse({ kind: "noether.core.trackers.MlflowTracker", ...config }),
    run.dependencies,
  );

it("makes experiment and run, and sends parameters, metrics by update, and the summary", async () => {
  const server = await jsonServer(answer);
  try {
    process.env["MLFLOW_TRACKING_TOKEN"] = "secret";
    const mlflow = tracker({ tracking_uri: `${server.url}/`, experiment: "wings & cars" });
    await mlflow.init(run.init);
    await mlflow.log({ epoch: 1, update: 10, "ema=0.9/loss": 0.5, bad: NaN, picture: [1] });
    await mlflow.updateSummary({ "loss/min": 0.5, note: "good" });
    await mlflow.close();
    const bodies = (path: string) =>
      server.received
        .filter((request) => request.path.endsWith(path))
        .map(({ body }) => body as Record<string, object[]>);
    expect(server.received[0]!.path).toBe("/api/2.0/mlflow/experiments/get-by-name?experiment_name=wings%20%26%20cars");
    expect(bodies("experiments/create")[0]).toEqual({ name: "wings & cars" });
    expect(bodies("runs/create")[0]).toMatchObject({ experiment_id: "7", run_name: "wing" });
    const batches = bodies("runs/log-batch");
    expect(batches.flatMap(({ params = [] }) => params)).toContainEqual({ key: "hp/model/dims/1", value: "2" });
    const { timestamp: _, ...first } = batches.flatMap(({ metrics = [] }) => metrics)[1] as Record<string, unknown>;
    expect(first).toEqual({ key: "ema_0.9/loss", value: 0.5, step: 10 });
    expect(batches.flatMap(({ metrics = [] }) => metrics)).toMatchObject([
      { key: "epoch", value: 1 },
      {},
      { key: "bad", value: "NaN" },
      { key: "loss/min", value: 0.5, step: 0 },
    ]);
    expect(batches.flatMap(({ tags = [] }) => tags)).toEqual([{ key: "note", value: "good" }]);
    expect(bodies("runs/update")[0]).toMatchObject({ run_id: "abc", status: "FINISHED" });
    expect(new Set(server.received.map(({ headers }) => headers.authorization))).toEqual(new Set(["Bearer secret"]));
  } finally {
    await server.close();
  }
});

it("says that a run failed", async () => {
  const server = await jsonServer(answer);
  try {
    const mlflow = tracker({ tracking_uri: server.url });
    await mlflow.init(run.init);
    await mlflow.close(true);
    expect(server.received.at(-1)!.body).toMatchObject({ status: "FAILED" });
  } finally {
    await server.close();
  }
});

it.each([{}, { tracking_uri: "sqlite:///runs.db" }])("asks for the address of a server (%j)", (config) => {
  expect(() => tracker(config)).toThrow(/expected the address of an MLflow server \(http:.*MLFLOW_TRACKING_URI, got/);
});

it("stores pictures as artifacts of the run", async () => {
  const server = await jsonServer(answer);
  try {
    process.env["MLFLOW_TRACKING_TOKEN"] = "secret";
    const mlflow = tracker({ tracking_uri: server.url });
    await mlflow.init(run.init);
    await mlflow.logPictures({ "test/0/p/true": Buffer.from("png") }, 3);
    await mlflow.close();
    const [upload] = server.received.filter(({ path }) => path.includes("upload-artifact"));
    expect(upload).toMatchObject({
      method: "POST",
      path: "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=abc&path=pictures%2Ftest%2F0%2Fp%2FU00000003_true.png",
      body: Buffer.from("png"),
    });
    expect(upload!.headers.authorization).toBe("Bearer secret");
  } finally {
    await server.close();
  }
});

const mlflowPython =
  python !== undefined && spawnSync(python, ["-c", "import mlflow"]).status === 0 ? python : undefined;
if (mlflowPython === undefined) console.info("skipped: a real MLflow server (PYTHON names no Python that has mlflow)");

/** Starts `mlflow server` with everything below `folder`, on a free port. */
async function mlflowServer(folder: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const port = await new Promise<number>((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port: free } = probe.address() as AddressInfo;
      probe.close(() => resolve(free));
    });
  });
  const words = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", String(port), "--workers", "1"];
  const places = [
    "--backend-store-uri",
    `sqlite:///${folder}/runs.db`,
    "--artifacts-destination",
    `${folder}/artifacts`,
  ];
  const child = spawn(mlflowPython!, [...words, ...places], { stdio: ["ignore", "ignore", "pipe"], detached: true });
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr.on("data", (text: Buffer) => {
      said += text.toString();
      if (said.includes("Application startup complete")) resolve();
    });
    child.once("close", () => reject(new Error(`mlflow server ended: ${said}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        child.once("close", () => resolve());
        process.kill(-child.pid!, "SIGTERM"); // its workers, too
      }),
  };
}

(mlflowPython ? it : it.skip)(
  "values and pictures are read back from a real server",
  async () => {
    const folder = temporaryFolder();
    const server = await mlflowServer(folder.path);
    try {
      const mlflow = tracker({ tracking_uri: server.url, experiment: "wings" });
      await mlflow.init(run.init);
      await mlflow.log({ epoch: 1, update: 10, "loss/test": 0.5 });
      await mlflow.log({ epoch: 1, update: 20, "loss/test": NaN });
      await mlflow.logPictures({ "test/0/p/true": Buffer.from("png") }, 20);
      await mlflow.setSummary("loss/test/min", 0.5);
      await mlflow.close();
      const script = `
import json, mlflow, sys
client = mlflow.MlflowClient(sys.argv[1])
run, = client.search_runs([client.get_experiment_by_name("wings").experiment_id])
history = [[m.step, str(m.value)] for m in client.get_metric_history(run.info.run_id, "loss/test")]
mlflow.set_tracking_uri(sys.argv[1])
png = open(client.download_artifacts(run.info.run_id, "pictures/test/0/p/U00000020_true.png"), "rb").read().decode()
print(json.dumps([run.info.run_name, run.info.status, history, run.data.metrics["loss/test/min"], run.data.params["hp/model/depth"], png]))`;
      const child = spawn(mlflowPython!, ["-c", script, server.url]);
      let failure = "";
      child.stderr.on("data", (text: Buffer) => (failure += text.toString()));
      let output = "";
      child.stdout.on("data", (text: Buffer) => (output += text.toString()));
      const code = await new Promise((resolve) => child.once("close", resolve));
      if (code !== 0) throw new Error(failure);
      expect(JSON.parse(output.trim().split("\n").at(-1)!)).toEqual(["wing", "FINISHED", [[10, "0.5"], [20, "nan"]], 0.5, "2", "png"]); // prettier-ignore
    } finally {
      await server.close();
      folder.remove();
    }
  },
  180_000,
);
