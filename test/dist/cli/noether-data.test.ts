/** The built commands `noether-data` and `noether-ts data`, against servers that only a proxy for HTTPS can reach. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { HubServer, someBytes } from "../../support/hub-server";
import { S3Server } from "../../support/s3-server";
import { temporaryFolder } from "../../support/temporary-folder";
import { certificate, TlsProxy } from "../../support/tls-proxy";
import { type CliResult, startCli } from "./run-cli";

const folder = temporaryFolder();
const hub = new HubServer();
const s3 = new S3Server();
const proxy = new TlsProxy(() => ({ "hub.noether.test": hub.port, "s3.noether.test": s3.port }));
const large = someBytes(17 * 2 ** 20);

beforeAll(async () => {
  hub.redirects = false;
  await Promise.all([hub.start(), s3.start(), proxy.start()]);
  hub.put("models", "o/n", { "weights/model.th": someBytes(5000), "config.json": "{}" });
  s3.put("cfd", "runs/large.bin", large);
  s3.put("cfd", "runs/a/small.bin", "small");
});
beforeEach(() => {
  proxy.lines.length = hub.requests.length = s3.requests.length = 0;
});
afterAll(async () => Promise.all([hub.close(), s3.close(), proxy.close()]));

/** Runs a built command to its end, while the servers of this process answer. */
async function run(
  command: "noether-data" | "noether-ts",
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<CliResult> {
  const authority = folder.at("authority.pem");
  writeFileSync(authority, certificate);
  const child = startCli(command, args, folder.path, {
    ...process.env,
    HOME: folder.path,
    NODE_EXTRA_CA_CERTS: authority,
    HF_ENDPOINT: "https://hub.noether.test",
    AWS_ENDPOINT_URL: "https://s3.noether.test",
    HF_TOKEN: "hf_secretOfTheTest",
    AWS_ACCESS_KEY_ID: "identityOfTheTest",
    AWS_SECRET_ACCESS_KEY: "secretOfTheTest",
    HTTPS_PROXY: proxy.url(),
    HTTP_PROXY: proxy.url(),
    NO_PROXY: "",
    ...environment,
  });
  const printed = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name]!.on("data", (chunk: Buffer) => (printed[name] += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, ...printed };
}

test("the hub through a tunnel: the proxy sees neither headers nor paths", async () => {
  const { code, stderr } = await run("noether-data", ["--debug", "huggingface", "snapshot", "o/n", "out"]);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  expect(readFileSync(folder.at("out", "weights", "model.th"))).toEqual(someBytes(5000));
  expect(hub.requests.every(({ headers }) => headers.authorization === "Bearer hf_secretOfTheTest")).toBe(true);
  expect(new Set(proxy.lines)).toEqual(new Set(["CONNECT hub.noether.test:443"]));
  expect(stderr).not.toMatch(/secretOfTheTest|pass(%20| )word/);
});

test("S3 through a tunnel, in parts, with a manifest that its content agrees with", async () => {
  const { code, stderr, stdout } = await run("noether-ts", [
    ...["data", "aws", "fetch", "cfd", "runs/", "out", "--strip-prefix", "--manifest-out", "-"],
  ]);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  expect(readFileSync(folder.at("out", "large.bin")).equals(large)).toBe(true);
  expect(Object.keys(JSON.parse(stdout) as object)).toEqual(["a/small.bin", "large.bin"]);
  expect(s3.seen(/^GET \/cfd\/runs\/large/).length).toBe(3);
  expect(s3.requests.every(({ headers }) => headers.authorization?.startsWith("AWS4-HMAC-SHA256 "))).toBe(true);
  expect(new Set(proxy.lines)).toEqual(new Set(["CONNECT s3.noether.test:443"]));
  const manifest = folder.at("manifest.json");
  writeFileSync(manifest, stdout);
  const check = await run("noether-data", [
    ...["verification", "check", "--root", "out", "--manifest", manifest, "--action", "abort"],
  ]);
  expect(check).toMatchObject({ code: 0, stdout: "OK=2 missing=0 extra=0 size_mismatch=0 hash_mismatch=0\n" });
});

test("a checkpoint: one line of JSON, and nothing else, on standard output", async () => {
  const { code, stdout, stderr } = await run("noether-data", [
    ...["checkpoint", "fetch", "hf://o/n?filename=weights/model.th", "--cache-dir", "cache"],
  ]);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  const said = JSON.parse(stdout) as { saved_to: string; size: number };
  expect(said.size).toBe(5000);
  expect(existsSync(said.saved_to)).toBe(true);
});

test("a proxy that refuses is an error without its password, and leaves nothing", async () => {
  const { code, stderr } = await run("noether-data", ["huggingface", "file", "o/n", "config.json", "out"], {
    HTTPS_PROXY: proxy.url("someone:another one"),
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/the proxy 127\.0\.0\.1:\d+ refuses a connection to hub\.noether\.test:443 with 407/);
  expect(stderr).not.toMatch(/another/);
  expect(readdirSync(folder.at("out"))).toEqual([]);
});

test("a certificate that nobody vouches for is refused", async () => {
  const { code, stderr } = await run("noether-data", ["aws", "estimate", "cfd", "runs/"], { NODE_EXTRA_CA_CERTS: "" });
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringMatching(/self-signed certificate/) });
});

test("bad usage: 2, before anything is asked", async () => {
  expect((await run("noether-data", ["aws", "fetch", "cfd"])).code).toBe(2);
  expect(proxy.lines).toEqual([]);
});
