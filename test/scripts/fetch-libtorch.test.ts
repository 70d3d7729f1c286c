import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const script = join(__dirname, "..", "..", "scripts", "fetch-libtorch.sh");
let folder: string;

beforeEach(() => (folder = realpathSync(mkdtempSync(join(tmpdir(), "noether-fetch-")))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A folder with what the script looks for in a libtorch: the version header and the two libraries. */
function fakeLibtorch(path: string, version = "2.13.0"): string {
  mkdirSync(join(path, "include", "torch", "headeronly"), { recursive: true });
  mkdirSync(join(path, "lib"));
  const [major, minor, patch] = version.split(".");
  const header = `#define TORCH_VERSION_MAJOR ${major}\n#define TORCH_VERSION_MINOR ${minor}\n#define TORCH_VERSION_PATCH ${patch}\n`;
  writeFileSync(join(path, "include", "torch", "headeronly", "version.h"), header);
  for (const library of ["libc10", "libtorch_cpu"]) writeFileSync(join(path, "lib", `${library}.so`), "");
  return path;
}

/** Commands that the script may use on a machine; without these nothing is found but what a test provides. */
const basics = [
  "awk",
  "bash",
  "cat",
  "chmod",
  "cut",
  "dirname",
  "env",
  "grep",
  "head",
  "ldd",
  "ls",
  "mkdir",
  "mktemp",
  "mv",
  "paste",
  "rm",
  "sed",
  "sha256sum",
  "sort",
  "uname",
];

/** A PATH that holds the basic commands and `more`, and no Python. */
function pathWith(...more: string[]): string {
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  for (const name of [...basics, ...more]) {
    const found = process.env
      .PATH!.split(delimiter)
      .map((entry) => join(entry, name))
      .find(existsSync);
    if (found) symlinkSync(found, join(bin, name));
  }
  return bin;
}

function fetch(
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn("/bin/bash", [script, ...args], { env: { HOME: folder, ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

test("LIBTORCH is taken as it is and printed alone on stdout", async () => {
  const libtorch = fakeLibtorch(join(folder, "mine"), "2.12.1");
  const { code, stdout } = await fetch([], { PATH: pathWith(), LIBTORCH: libtorch });
  expect(stdout).toBe(`${libtorch}\n`);
  expect(code).toBe(0);
});

test("a LIBTORCH of a version outside the range is refused, not passed over", async () => {
  const libtorch = fakeLibtorch(join(folder, "old"), "2.9.0");
  const { code, stdout, stderr } = await fetch([], { PATH: pathWith(), LIBTORCH: libtorch });
  expect(code).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toContain("version 2.9.0, but 2.11 to 2.14 is expected");
});

test("a LIBTORCH that is no libtorch is refused with the reason", async () => {
  const { code, stderr } = await fetch([], { PATH: pathWith(), LIBTORCH: folder });
  expect(code).toBe(1);
  expect(stderr).toContain(`expected LIBTORCH=${folder} to be a libtorch`);
});

test("a complete cache entry is used without the network", async () => {
  const entry = join(folder, ".cache", "noether-ts", "libtorch", "2.13.0-cpu");
  fakeLibtorch(join(entry, "torch"));
  writeFileSync(join(entry, ".complete"), "");
  const { code, stdout } = await fetch([], { PATH: pathWith() });
  expect(stdout).toBe(`${join(entry, "torch")}\n`);
  expect(code).toBe(0);
});

test("a cache entry that was never completed is not used", async () => {
  fakeLibtorch(join(folder, ".cache", "noether-ts", "libtorch", "2.13.0-cpu", "torch"));
  const { code, stderr } = await fetch([], { PATH: pathWith() });
  expect(code).toBe(1);
  expect(stderr).toContain("nothing complete there");
});

test("when nothing works the error lists every attempt and the next commands", async () => {
  const { code, stdout, stderr } = await fetch([], { PATH: pathWith() });
  expect(code).toBe(1);
  expect(stdout).toBe("");
  for (const attempt of [
    "LIBTORCH: not set",
    "no python3 on the PATH",
    "cache (",
    "official zip: curl is not installed",
    "wheel through pip: no Python with pip",
  ]) {
    expect(stderr).toContain(attempt);
  }
  expect(stderr).toMatch(/What to do next:\n {2}1\. LIBTORCH=/);
});

test.each([
  ["--version", "2.9.0", "expected --version 2.11 to 2.14"],
  ["--variant", "rocm", "expected --variant cpu or cu130"],
])("%s %s is refused before anything is tried", async (option, value, message) => {
  const { code, stderr } = await fetch([option, value], { PATH: pathWith() });
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});

describe("a mirror", () => {
  // made by test/scripts/make-libtorch-zip.py: the fake libtorch above, zipped as the official archive is
  const zip = readFileSync(join(__dirname, "fixtures", "libtorch.zip"));
  const target = () => join(folder, ".cache", "noether-ts", "libtorch", "2.13.0-cpu");
  let server: Server;
  let requests: string[];

  /** Serves the zip with ranges (for resuming), and `checksum` beside it. */
  async function mirror(checksum: string, content = zip): Promise<string> {
    requests = [];
    server = createServer((request, response) => {
      requests.push(`${request.method} ${request.headers.range ?? "all"} ${request.url}`);
      if (request.url!.endsWith(".sha256")) return response.end(`${checksum}  libtorch.zip\n`);
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      if (start > 0)
        response.writeHead(206, { "content-range": `bytes ${start}-${content.length - 1}/${content.length}` });
      response.end(request.method === "HEAD" ? undefined : content.subarray(start));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const sha256 = createHash("sha256").update(zip).digest("hex");
  afterEach(() => void server.close());

  test("gives the zip, checked against the checksum beside it", async () => {
    const NOETHER_LIBTORCH_MIRROR = await mirror(sha256);
    const { code, stdout } = await fetch([], { PATH: pathWith("curl", "unzip"), NOETHER_LIBTORCH_MIRROR });
    expect(stdout).toBe(`${join(target(), "libtorch")}\n`);
    expect(code).toBe(0);
  });

  test("with a wrong checksum leaves nothing behind", async () => {
    const NOETHER_LIBTORCH_MIRROR = await mirror("0".repeat(64));
    const { code, stderr } = await fetch([], { PATH: pathWith("curl", "unzip"), NOETHER_LIBTORCH_MIRROR });
    expect(code).toBe(1);
    expect(stderr).toContain(`expected SHA-256 ${"0".repeat(64)}, got ${sha256}`);
    expect(existsSync(target())).toBe(false);
  });

  test("with a download that broke off is resumed", async () => {
    const downloads = join(folder, ".cache", "noether-ts", "libtorch", ".downloads");
    mkdirSync(downloads, { recursive: true });
    writeFileSync(join(downloads, "libtorch-shared-with-deps-2.13.0%2Bcpu.zip.part"), zip.subarray(0, 100));
    const NOETHER_LIBTORCH_MIRROR = await mirror(sha256);
    const { code } = await fetch([], { PATH: pathWith("curl", "unzip"), NOETHER_LIBTORCH_MIRROR });
    expect(code).toBe(0);
    expect(requests.some((request) => request.startsWith("GET bytes=100-"))).toBe(true);
  });

  test("with a damaged rest of an earlier download starts again from nothing", async () => {
    const downloads = join(folder, ".cache", "noether-ts", "libtorch", ".downloads");
    mkdirSync(downloads, { recursive: true });
    writeFileSync(join(downloads, "libtorch-shared-with-deps-2.13.0%2Bcpu.zip.part"), Buffer.alloc(100, 1));
    const NOETHER_LIBTORCH_MIRROR = await mirror(sha256);
    const { code, stderr } = await fetch([], { PATH: pathWith("curl", "unzip"), NOETHER_LIBTORCH_MIRROR });
    expect(stderr).toContain("starting again from nothing");
    expect(code).toBe(0);
  });

  test("without https and without a checksum is not trusted", async () => {
    const NOETHER_LIBTORCH_MIRROR = await mirror("");
    const { code, stderr } = await fetch([], { PATH: pathWith("curl", "unzip"), NOETHER_LIBTORCH_MIRROR });
    expect(code).toBe(1);
    expect(stderr).toContain("no checksum known for it and no https");
  });
});

/** A Python in `bin` that answers `-c` (where is torch?) with a folder, and downloads a wheel that is none. */
function fakePython(bin: string, torch = ""): void {
  const download = `
case "$*" in
  -c*) echo "${torch}" ;;
  *"pip --version") echo pip ;;
  *"pip download"*)
    while [ "$1" != --dest ]; do shift; done
    mkdir -p "$2"
    echo broken >"$2/torch-2.13.0-cp312-cp312-manylinux_2_28_x86_64.whl" ;;
esac`;
  writeFileSync(join(bin, "python3"), `#!/usr/bin/env bash${download}\n`, { mode: 0o755 });
}

test("a wheel of the table that has another checksum is refused, and not kept", async () => {
  const bin = pathWith();
  fakePython(bin);
  const cache = join(folder, "cache");
  const { code, stderr } = await fetch([], { PATH: bin, NOETHER_CACHE: cache });
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /wheel through pip \(torch-2\.13\.0-\S+\.whl\): expected SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}/,
  );
  expect(existsSync(join(cache, "libtorch", ".downloads", "wheels-2.13.0-cpu"))).toBe(false);
});

test("the torch of Python has to be of the default minor version, unless any will do", async () => {
  const bin = pathWith();
  const torch = fakeLibtorch(join(folder, "torch"), "2.12.1");
  fakePython(bin, torch);
  const refused = await fetch([], { PATH: bin });
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("version 2.12.1, but 2.13 is expected");
  expect(await fetch(["--any-version"], { PATH: bin })).toMatchObject({ code: 0, stdout: `${torch}\n` });
});
