import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { withLocalInputDir } from "../../../lib/inference/runners/local-input-dir";
import { fromPlain } from "../../../lib/config/yaml/nodes";
import { configureLogging } from "../../../lib/io";
import { resolveRunOrFile } from "../../../lib/io/checkpoint";
import { withLocalRuns } from "../../../lib/training/runners/local-runs";
import { HubServer, someBytes } from "../../support/hub-server";
import { withEnvironment } from "../../support/run-io";
import { S3Server } from "../../support/s3-server";
import { temporaryFolder } from "../../support/temporary-folder";

const folder = temporaryFolder();
const hub = new HubServer();
const s3 = new S3Server();
const FILES = [
  "r1/hp_resolved.yaml",
  "r1/checkpoints/m_cp=latest_model.th",
  "r1/checkpoints/m_cp=latest_optim.th",
  "r2/checkpoints/m_cp=latest_model.th",
];
beforeAll(async () => {
  configureLogging({ sink: () => undefined });
  await Promise.all([hub.start(), s3.start()]);
  hub.put("models", "o/runs", Object.fromEntries(FILES.map((name) => [name, someBytes(2000)])));
  for (const name of FILES) s3.put("b", `runs/${name}`, name);
});
afterAll(async () => {
  configureLogging();
  await Promise.all([hub.close(), s3.close()]);
});
withEnvironment(() => ({
  NOETHER_CHECKPOINT_CACHE: folder.at("cache"),
  HF_HOME: folder.path,
  HF_ENDPOINT: hub.url,
  AWS_ENDPOINT_URL: s3.url,
  HF_TOKEN: undefined,
  AWS_ACCESS_KEY_ID: undefined,
}));

const initializer = (output_path: string | null) => ({ kind: "x.PreviousRunInitializer", run_id: "r1", output_path });

test.each(["hf://o/runs", "s3://b/runs"])("the run of an initializer comes from %s, and no other", async (uri) => {
  const config = { output_path: "out", model: { kind: "m", parts: [{ initializers: [initializer(uri)] }] } };
  const local = await withLocalRuns(config);
  const path = (local.model.parts[0]!.initializers[0]! as { output_path: string }).output_path;
  expect(existsSync(join(path, "r1/checkpoints/m_cp=latest_optim.th"))).toBe(true);
  expect(existsSync(join(path, "r2"))).toBe(false);
  expect(config.model.parts[0]!.initializers[0]!.output_path).toBe(uri);
});

test.each([null, "outputs", "/abs/outputs"])(
  "an output_path of %j stays, and so does everything else",
  async (path) => {
    const config = { output_path: "s3://b/written", run_id: "r1", model: { initializers: [initializer(path)] } };
    expect(await withLocalRuns(config)).toBe(config);
  },
);

test.each(["hf://o/runs", "s3://b/runs"])("the run of an evaluation comes from %s", async (uri) => {
  const tree = fromPlain({ input_dir: uri, run_id: "r1" }) as Parameters<typeof withLocalInputDir>[0]["tree"];
  await withLocalInputDir({ tree } as Parameters<typeof withLocalInputDir>[0]);
  const node = tree.entries.get("input_dir") as unknown as { value: string };
  expect(existsSync(join(node.value, "r1/hp_resolved.yaml"))).toBe(true);
  expect(existsSync(join(node.value, "r1/checkpoints/m_cp=latest_optim.th"))).toBe(false);
});

test.each(["hf://o/runs?filename=r1", "s3://b/runs/r1"])("a run to predict with: %s", async (uri) => {
  const path = await resolveRunOrFile(uri);
  expect(existsSync(join(path, "checkpoints/m_cp=latest_model.th"))).toBe(true);
  expect(existsSync(join(path, "checkpoints/m_cp=latest_optim.th"))).toBe(false);
});

test.each([
  "hf://o/runs?filename=r1/checkpoints/m_cp=latest_model.th",
  "s3://b/runs/r1/checkpoints/m_cp=latest_model.th",
])("one of its model files: %s", async (uri) => {
  const path = await resolveRunOrFile(uri);
  expect(readFileSync(path).length).toBeGreaterThan(0);
  expect(existsSync(join(path, "../../hp_resolved.yaml"))).toBe(true);
  expect(existsSync(join(path, "../m_cp=latest_optim.th"))).toBe(false);
});
