/** Every command and program of docs/io.md, run in a folder of its own, against a hub and an S3 on the loopback. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transformSync } from "@swc/core";
import { HubServer, someBytes } from "../support/hub-server";
import { runNoetherData, withEnvironment } from "../support/run-io";
import { S3Server } from "../support/s3-server";

const page = readFileSync(join(__dirname, "..", "..", "docs", "io.md"), "utf8");
const commands = [...page.matchAll(/```sh\n([^]*?)```/g)]
  .flatMap((match) => match[1]!.trim().split("\n"))
  .map((line) => (line.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^"(.*)"$/, "$1")));

const hub = new HubServer();
const s3 = new S3Server();
const folder = mkdtempSync(join(tmpdir(), "noether-io-docs-"));
const before = process.cwd();
beforeAll(async () => {
  await Promise.all([hub.start(), s3.start()]);
  for (const revision of ["main", "v1"])
    hub.put("models", "emmi/drag", { "weights/model.th": someBytes(5000), "README.md": "drag" }, revision);
  hub.put("datasets", "emmi/cars", { "train/a.th": "a", "train/b.th": someBytes(2000), "train/a.png": "p" });
  for (const name of ["a/mesh.vtu", "b/other.vtu", "b/log.txt"]) s3.put("cfd", `runs/${name}`, name);
  s3.put("cfd", "models/best.th", someBytes(3000));
  process.chdir(folder);
});
afterAll(async () => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
  await Promise.all([hub.close(), s3.close()]);
});
withEnvironment(() => ({
  NOETHER_CHECKPOINT_CACHE: join(folder, "default-cache"),
  HF_ENDPOINT: hub.url,
  AWS_ENDPOINT_URL: s3.url,
  HF_TOKEN: undefined,
  HF_HOME: folder,
  AWS_ACCESS_KEY_ID: undefined,
  AWS_SECRET_ACCESS_KEY: undefined,
}));

test("the page has an example of every command", () => {
  expect(commands.length).toBeGreaterThan(15);
  const named = new Set(commands.map(([, group, command]) => `${group} ${command}`));
  expect([...named].sort()).toEqual([
    "aws estimate", "aws fetch", "aws file", "checkpoint fetch", "checkpoint verify", "huggingface estimate", "huggingface ext",
    "huggingface file", "huggingface snapshot", "verification build", "verification check",
  ]); // prettier-ignore
});

// in the order of the page: later ones use what earlier ones fetched
test.each(commands.map((command) => [command.join(" "), command] as const))("%s", async (_, [program, ...args]) => {
  expect(program).toBe("noether-data");
  const { code, stdout, stderr } = await runNoetherData(...args);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout !== "" || ["snapshot", "file"].includes(args[1]!)).toBe(true);
});

test("they fetched what the page says", () => {
  const there = [
    "data/drag/weights/model.th",
    "data/cars/train/b.th",
    "data/runs/a/mesh.vtu",
    "data/flat/mesh.vtu",
    "data/one/runs/a/mesh.vtu",
  ];
  expect(there.filter((path) => !existsSync(join(folder, path)))).toEqual([]);
  expect(existsSync(join(folder, "data/cars/train/a.png"))).toBe(false);
});

test("the program", async () => {
  const code = /```ts\n([^]*?)```/.exec(page)![1]!;
  const body = code.replace(/^import .*$/m, "");
  const js = transformSync(
    `export async function main(io, copyFrom) {\nconst { fetchS3Prefix, LRUCacheFileSystem, resolveCheckpoint } = io;\n${body}\nreturn [paths, localPath, sha256, bytes]; }`,
    {
      jsc: { target: "es2022", parser: { syntax: "typescript" } },
      module: { type: "commonjs" },
    },
  ).code;
  const exported: { main?: (...args: unknown[]) => Promise<unknown[]> } = {};
  // eslint-disable-next-line @typescript-eslint/no-implied-eval
  new Function("exports", js)(exported);
  const { writeFile } = await import("node:fs/promises");
  const io: unknown = jest.requireActual("../../lib/io");
  const spy = jest.spyOn(process.stderr, "write").mockReturnValue(true);
  const [paths, localPath, , bytes] = await exported.main!(io, async (path: string, local: string) =>
    writeFile(local, path),
  );
  spy.mockRestore();
  expect(paths).toEqual(["runs/a/mesh.vtu", "runs/b/other.vtu"]);
  expect(readFileSync(String(localPath)).equals(someBytes(3000))).toBe(true);
  expect(String(bytes)).toBe("s3://cfd/runs/a/mesh.vtu");
});
