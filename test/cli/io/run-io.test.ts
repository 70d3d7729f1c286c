import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configureLogging } from "../../../lib/io";
import { pathFilter } from "../../../lib/cli/io/arguments";
import { HubServer, someBytes } from "../../support/hub-server";
import { runNoetherData as run, withEnvironment } from "../../support/run-io";
import { S3Server } from "../../support/s3-server";
import { temporaryFolder } from "../../support/temporary-folder";

const mockHash = jest.fn<Promise<string> | null, [string]>(() => null);
jest.mock("../../../lib/io/verification/hash-file", () => {
  const actual = jest.requireActual<{ hashFile: (path: string, chunk?: number) => Promise<string> }>("../../../lib/io/verification/hash-file"); // prettier-ignore
  return { ...actual, hashFile: (path: string, chunk?: number) => mockHash(path) ?? actual.hashFile(path, chunk) };
});

const folder = temporaryFolder();
const hub = new HubServer();
const s3 = new S3Server();
beforeAll(async () => {
  await Promise.all([hub.start(), s3.start()]);
  hub.put("models", "o/n", { "a.th": "a", "b.txt": "bb", "deep/c.th": someBytes(4000) });
  hub.put("datasets", "o/d", { "a.th": "a" });
});
beforeEach(() => {
  s3.objects.clear();
  s3.put("b", "pref/x/one.bin", "1");
  s3.put("b", "pref/x/two.bin", "22");
  s3.put("b", "pref/x/", "");
});
afterEach(() => {
  hub.faults.length = s3.faults.length = 0;
  configureLogging();
});
afterAll(async () => Promise.all([hub.close(), s3.close()]));
withEnvironment(() => ({
  NOETHER_CHECKPOINT_CACHE: folder.at("default-cache"),
  HF_ENDPOINT: hub.url,
  AWS_ENDPOINT_URL: s3.url,
  HF_TOKEN: undefined,
  HF_HOME: folder.path,
  AWS_ACCESS_KEY_ID: undefined,
  AWS_SECRET_ACCESS_KEY: undefined,
  NO_PROXY: "*",
}));
const out = (...parts: string[]): string => folder.at("out", ...parts);
const read = (...parts: string[]): string => readFileSync(out(...parts), "utf8");

describe("help and usage", () => {
  test.each([
    [],
    ["--help"],
    ["-h"],
    ["huggingface"],
    ["aws", "-h"],
    ["aws", "fetch", "--help"],
    ["verification", "check", "-h"],
  ])("%j", async (...args) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Usage: noether-data/);
  });

  test("the help is the same for every user, so that the page that is made of it is", async () => {
    const { stdout } = await run("checkpoint", "fetch", "--help");
    expect(stdout).toContain("~/.cache/emmi/checkpoints");
    expect(stdout).not.toContain(folder.path); // NOETHER_CHECKPOINT_CACHE is in it
  });

  test("the root names its groups", async () =>
    expect((await run("--help")).stdout).toMatch(/huggingface[^]*aws[^]*checkpoint[^]*verification/));

  test.each([
    [["nothing"], "there is no command"],
    [["--nothing"], "unknown option --nothing"],
    [["aws", "fetsh"], `did you mean "fetch"`],
    [["aws", "fetch", "b"], "expected BUCKET PREFIX LOCAL_DIR"],
    [["aws", "fetch", "b", "p", "/tmp", "--jobs", "many"], '--jobs: expected a whole number of at least 1, got "many"'],
    [["aws", "fetch", "b", "p", "/tmp", "--job", "1"], "did you mean --jobs"],
    [["aws", "fetch", "b", "p", "/tmp", "--jobs"], "expected N after --jobs"],
    [["aws", "fetch", "b", "p", "/tmp", "--hash=yes"], '--hash: expected no value, got "yes"'],
    [
      ["huggingface", "file", "o/n", "a", "/tmp", "--type", "space"],
      '--type has no "space"; known: "model", "dataset"',
    ],
    [["verification", "build", "--root", "/tmp"], "missing option --manifest"],
    [["checkpoint", "verify", "/none/here"], "does not exist"],
    [["checkpoint", "fetch", "/none/here", "--verify-load", "zip"], '--verify-load has no "zip"'],
    [["checkpoint", "fetch", "/none/here", "--sha256", "12"], "64 hexadecimal digits"],
    [["checkpoint", "fetch", "/none/here", "--min-free-mb", "-1"], "whole number of at least 0"],
    [["huggingface", "ext", "o/n", ".th", "/tmp", "--verify"], "`--verify` requires `--manifest`."],
  ])("%j is bad usage", async (args, problem) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(problem);
    expect(hub.requests.length + s3.requests.length).toBe(0);
  });

  test.each([
    ["aws", "fetch", "b", "pref/", "--jobs", "0"],
    ["aws", "fetch", "b", "pref/", "--hash-chunk-mb", "0"],
    ["aws", "fetch", "b", "pref/", "--hash-jobs", "-1"],
    ["huggingface", "snapshot", "o/n", "-j0"],
    ["huggingface", "ext", "o/n", ".th", "-j", "0"],
  ])("%s %s … %s %s fails before anything is asked", async (...args) => {
    const { code, stderr } = await run(...args.slice(0, -2), out(), ...args.slice(-2));
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: /^Error: .*whole number of at least 1/ });
    expect(hub.requests.length + s3.requests.length).toBe(0);
  });

  test("a file where a folder belongs", async () => {
    writeFileSync(folder.at("file"), "");
    expect((await run("aws", "file", "b", "k", folder.at("file"))).code).toBe(2);
  });

  test("short names, with their value joined or not, and the last of a flag and its opposite, as the Python framework takes them", async () => {
    const args = [
      "aws",
      "fetch",
      "b",
      "pref/",
      out(),
      "-j4",
      "-etwo.bin",
      "--hash",
      "--no-hash",
      `-m${folder.at("m.json")}`,
    ];
    expect((await run(...args)).code).toBe(0);
    expect(JSON.parse(readFileSync(folder.at("m.json"), "utf8"))).toMatchObject({ "pref/x/two.bin": { hash: null } });
  });

  test("choices in either case", async () =>
    expect((await run("huggingface", "estimate", "o/d", "--type", "DataSet")).code).toBe(0));
});

describe("huggingface", () => {
  test("estimate", async () => {
    expect((await run("huggingface", "estimate", "o/n")).stdout).toBe("o/n: ~3.91 KB\n");
    expect((await run("huggingface", "estimate", "o/n", "-e", ".txt")).stdout).toBe("o/n: ~2.00 B\n");
  });

  test("snapshot, and verifying what is there", async () => {
    expect(await run("huggingface", "snapshot", "o/n", out())).toMatchObject({ code: 0, stdout: "" });
    writeFileSync(out("b.txt"), "xx");
    const { code, stdout, stderr } = await run("huggingface", "snapshot", "o/n", out(), "--verify");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "[verify] OK=2 hash_mismatch=1\n" });
    expect(stderr).toContain("[hash_mismatch] b.txt");
  });

  test("a dry run lists sizes and fetches nothing", async () => {
    const { stdout } = await run("huggingface", "snapshot", "o/n", out(), "--dry-run", "--include", "**.th");
    expect(stdout).toMatch(/^\[dry-run\] o\/n → 2 files, ~3\.91 KB\n +1\.00 B {2}a\.th\n +3\.91 KB {2}deep\/c\.th\n$/);
    expect(existsSync(out("a.th"))).toBe(false);
  });

  test("a dry run refuses the names that fetching refuses, and prints none of them raw", async () => {
    hub.put("models", "o/hostile", { "\u001b[31mred.th": "a" });
    const { code, stdout, stderr } = await run("huggingface", "snapshot", "o/hostile", out(), "--dry-run");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain('"\\u001b[31mred.th" has control characters');
  });

  test("ext with a manifest of what was fetched", async () => {
    const args = ["huggingface", "ext", "o/d", ".th", out(), "-mo", folder.at("m.json")];
    expect((await run(...args)).stdout).toBe(`[provenance] wrote ${folder.at("m.json")}\n`);
    const { "a.th": record } = JSON.parse(readFileSync(folder.at("m.json"), "utf8")) as Record<
      string,
      { source: object; hash: string }
    >;
    expect(record!.source).toEqual({
      provider: "huggingface",
      repo_id: "o/d",
      repo_type: "dataset",
      revision: "main",
      filename: "a.th",
    });
    expect(record!.hash).toBe("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"); // printf a | sha256sum
    const verify = await run(
      "huggingface",
      "ext",
      "o/d",
      ".th",
      out(),
      "--verify",
      "-m",
      folder.at("m.json"),
      "-a",
      "abort",
    );
    expect(verify).toMatchObject({
      code: 0,
      stdout: "[verify] OK=1 missing=0 extra=0 size_mismatch=0 hash_mismatch=0\n",
    });
  });

  test("ext where nothing matches", async () => {
    const { code, stderr } = await run(
      "huggingface",
      "ext",
      "o/d",
      ".none",
      out(),
      "--manifest-out",
      folder.at("m.json"),
    );
    expect(code).toBe(0);
    expect(stderr).toContain("No files with extension '.none' found in o/d");
    expect(readFileSync(folder.at("m.json"), "utf8")).toBe("{}");
  });

  test("file prints nothing, and fetches what is there once", async () => {
    expect(await run("huggingface", "file", "o/n", "deep/c.th", out())).toMatchObject({ code: 0, stdout: "" });
    expect(readFileSync(out("deep/c.th")).equals(someBytes(4000))).toBe(true);
    hub.requests.length = hub.storage.requests.length = 0;
    expect(await run("huggingface", "file", "o/n", "deep/c.th", out())).toMatchObject({ code: 0, stdout: "" });
    expect([...hub.requests, ...hub.storage.requests].map(({ method }) => method)).toEqual(["HEAD"]);
  });

  test("every file that failed is told, and the others are there", async () => {
    hub.faults.push({ match: /GET .*b\.txt/, status: 403 });
    const { code, stderr } = await run("huggingface", "snapshot", "o/n", out());
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Task failed for input: o\/n@[0-9a-f]{40}\/b\.txt → .*403/m);
    expect([existsSync(out("a.th")), existsSync(out("b.txt"))]).toEqual([true, false]);
  });

  test("--verify --action abort, delete and redownload do what they say", async () => {
    const ext = async (...more: string[]) =>
      run("huggingface", "ext", "o/n", ".th", out(), "-t", "model", ...more, "--verify", "-m", folder.at("m.json"));
    await run("huggingface", "ext", "o/n", ".th", out(), "-t", "model", "-mo", folder.at("m.json"));
    // what the hub has, but not what the manifest says
    const manifest = JSON.parse(readFileSync(folder.at("m.json"), "utf8")) as Record<string, { hash: string }>;
    manifest["a.th"]!.hash = "0".repeat(64);
    writeFileSync(folder.at("m.json"), JSON.stringify(manifest));
    const counts = "[verify] OK=1 missing=0 extra=0 size_mismatch=0 hash_mismatch=1\n";
    expect(await ext()).toMatchObject({ code: 0, stdout: counts });
    expect(await ext("-a", "abort")).toMatchObject({ code: 1, stdout: counts });
    expect((await ext("-a", "ReDownload")).stdout).toContain("[redownload] attempted=1 ok=1\n[recheck] ");
    expect(await ext("-a", "delete")).toMatchObject({ code: 0, stdout: `${counts}[delete] a.th\n` });
    expect(existsSync(out("a.th"))).toBe(false);
  });

  test("a file whose size the hub does not know is a warning, and not counted", async () => {
    const listing = [{ type: "file", path: "a", oid: "0".repeat(40), size: 5 }, { type: "file", path: "b", oid: "1".repeat(40) }]; // prettier-ignore
    hub.faults.push({ match: /tree/, status: 200, body: JSON.stringify(listing), headers: { "content-type": "application/json" } }); // prettier-ignore
    const { stdout, stderr } = await run("huggingface", "estimate", "o/n");
    expect(stdout).toBe("o/n: ~5.00 B\n");
    expect(stderr).toContain("o/n: the sizes of 1 files are not known and not counted");
  });

  test("a repository that there is not", async () => {
    const { code, stderr } = await run("huggingface", "snapshot", "o/none", out());
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: o\/none@main: 401 RepoNotFound/m);
  });

  test("the token is in no message, with --debug or without", async () => {
    process.env["HF_TOKEN"] = "token-that-nobody-sees";
    hub.faults.push({ match: /revision/, status: 400, headers: { "x-error-message": "bad token-that-nobody-sees" } });
    const { stderr } = await run("--debug", "huggingface", "snapshot", "o/n", out());
    expect(stderr).toMatch(/DEBUG[^]*Error: o\/n@main: 400: bad \*\*\*REDACTED\*\*\*/);
    expect(stderr).not.toContain("token-that-nobody-sees");
  });
});

describe("aws", () => {
  test("estimate", async () => {
    expect((await run("aws", "estimate", "b", "pref/")).stdout).toBe("s3://b/pref/ → 2 files, ~3.00 B\n");
    expect((await run("aws", "estimate", "b", "pref/", "-e", "two.bin")).stdout).toBe(
      "s3://b/pref/ (ext='two.bin') → 1 files, ~2.00 B\n",
    );
  });

  test("file", async () => {
    expect((await run("aws", "file", "b", "pref/x/one.bin", out())).stdout).toBe(`Wrote: ${out("pref/x/one.bin")}\n`);
  });

  test("fetch", async () => {
    expect(await run("aws", "fetch", "b", "pref/", out())).toMatchObject({
      code: 0,
      stdout: `Download complete → ${out()}\n`,
    });
    expect([read("pref/x/one.bin"), read("pref/x/two.bin")]).toEqual(["1", "22"]);
  });

  test.each([
    ["--strip-prefix", ["x/one.bin", "x/two.bin"]],
    ["--flatten", ["one.bin", "two.bin"]],
  ])("fetch %s", async (flag, paths) => {
    await run("aws", "fetch", "b", "pref/", out(), flag);
    expect(paths.filter((path) => !existsSync(out(path)))).toEqual([]);
  });

  test("fetch --dry-run", async () => {
    const { stdout } = await run("aws", "fetch", "b", "pref/", out(), "--dry-run", "-m", folder.at("m.json"));
    expect(stdout.split("\n")[0]).toBe("[dry-run] s3://b/pref/ → 2 files, ~3.00 B");
    expect(existsSync(out("pref")) || existsSync(folder.at("m.json"))).toBe(false);
  });

  test("names that collide stop it before it begins", async () => {
    s3.put("b", "pref/y/one.bin", "other");
    const { code, stderr } = await run("aws", "fetch", "b", "pref/", out(), "--flatten");
    expect(code).toBe(1);
    expect(stderr).toContain("Error: Basename collisions under --flatten: one.bin.");
    expect(existsSync(out("one.bin"))).toBe(false);
  });

  test.each([true, false])("a manifest names each object's own key, with hashes: %s", async (hash) => {
    await run(
      "aws",
      "fetch",
      "b",
      "pref/",
      out(),
      "--strip-prefix",
      "-m",
      folder.at("m.json"),
      hash ? "--hash" : "--no-hash",
    );
    const manifest = JSON.parse(readFileSync(folder.at("m.json"), "utf8")) as Record<
      string,
      { source: { key: string }; hash: string | null }
    >;
    expect(Object.entries(manifest).map(([path, { source }]) => [path, source.key])).toEqual([
      ["x/one.bin", "pref/x/one.bin"],
      ["x/two.bin", "pref/x/two.bin"],
    ]);
    expect(manifest["x/one.bin"]!.hash !== null).toBe(hash);
  });

  test("a manifest on standard output is all that is there", async () => {
    const { stdout } = await run("aws", "fetch", "b", "pref/x/one", out(), "-m", "-");
    expect(Object.keys(JSON.parse(stdout) as object)).toEqual(["pref/x/one.bin"]);
  });

  test("nothing has the prefix", async () => {
    expect((await run("aws", "fetch", "b", "none/", out())).stdout).toBe("0 objects matched; nothing to fetch.\n");
    expect((await run("aws", "fetch", "b", "none/", out(), "-m", "-")).stdout).toBe("{}\n");
    const { stdout } = await run("aws", "fetch", "b", "none/", out(), "-m", folder.at("m.json"));
    expect(stdout).toBe(
      `0 objects matched; nothing to fetch.\n[provenance] wrote empty manifest: ${folder.at("m.json")}\n`,
    );
    expect(readFileSync(folder.at("m.json"), "utf8")).toBe("{}");
  });

  describe("a file that cannot be hashed", () => {
    beforeEach(() =>
      mockHash.mockImplementation((path) =>
        path.endsWith("two.bin") ? Promise.reject(new Error("a bad sector")) : null,
      ),
    );
    afterEach(() => mockHash.mockReset());
    const fetch = async (...more: string[]) =>
      run("aws", "fetch", "b", "pref/", out(), "-m", folder.at("m.json"), ...more);

    test("is told and left out of the manifest", async () => {
      const { code, stderr } = await fetch();
      expect(code).toBe(0);
      expect(stderr).toContain("[hash-fail] pref/x/two.bin → a bad sector\n");
      expect(Object.keys(JSON.parse(readFileSync(folder.at("m.json"), "utf8")) as object)).toEqual(["pref/x/one.bin"]);
    });

    test("fails with --strict-hash, and no manifest is written", async () => {
      expect((await fetch("--strict-hash")).code).toBe(1);
      expect([existsSync(folder.at("m.json")), read("pref/x/two.bin")]).toEqual([false, "22"]);
    });
  });

  test("what failed is told by its key; no manifest is written", async () => {
    s3.faults.push({ match: /GET .*one/, status: 403, times: 9 });
    const { code, stderr } = await run("aws", "fetch", "b", "pref/", out(), "-m", folder.at("m.json"));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^\[download-fail\] s3:\/\/b\/pref\/x\/one\.bin → .*403/m);
    expect(existsSync(folder.at("m.json"))).toBe(false);
    expect(read("pref/x/two.bin")).toBe("22");
  });

  test("a key that leads out of the folder", async () => {
    s3.put("b", "pref/../../evil", "evil");
    const { code, stderr } = await run("aws", "fetch", "b", "pref/", out());
    expect(code).toBe(1);
    expect(stderr).toContain("Illegal relative path derived from");
    expect(existsSync(folder.at("evil"))).toBe(false);
  });
});

describe("verification", () => {
  const check = async (...args: string[]) =>
    run("verification", "check", "-r", out(), "-m", folder.at("m.json"), ...args);
  beforeEach(async () => {
    await run("aws", "fetch", "b", "pref/", out(), "--strip-prefix", "-m", folder.at("m.json"));
  });

  test("build says where the manifest is, and does not record it", async () => {
    const { stdout } = await run("verification", "build", "-r", out(), "-m", out("own.json"));
    expect(stdout).toBe(`Manifest saved to ${out("own.json")}\n`);
    expect((await run("verification", "check", "-r", out(), "-m", out("own.json"))).stdout).toBe(
      "OK=2 missing=0 extra=0 size_mismatch=0 hash_mismatch=0\n",
    );
  });

  test("build of a folder that is not there", async () => {
    const { code, stderr } = await run("verification", "build", "-r", folder.at("none"), "-m", folder.at("x.json"));
    expect(code).toBe(1);
    expect(stderr).toContain("Error: there is no folder");
    expect(existsSync(folder.at("x.json"))).toBe(false);
  });

  test("what is wrong is listed; abort fails", async () => {
    writeFileSync(out("x/one.bin"), "X");
    rmSync(out("x/two.bin"));
    writeFileSync(out("new"), "new");
    const counts = "OK=0 missing=1 extra=1 size_mismatch=0 hash_mismatch=1\n";
    const warned = await check();
    expect(warned).toMatchObject({ code: 0, stdout: counts });
    expect(warned.stderr).toMatch(/\[missing\] x\/two\.bin\n\[extra\] new\n\[hash_mismatch\] x\/one\.bin\n/);
    expect(await check("-a", "abort")).toMatchObject({ code: 1, stdout: counts });
  });

  test("delete removes files with a wrong size or hash, and no others", async () => {
    writeFileSync(out("x/one.bin"), "X");
    writeFileSync(out("new"), "new");
    expect((await check("-a", "delete")).stdout).toContain("[delete] x/one.bin\n");
    expect([existsSync(out("x/one.bin")), existsSync(out("x/two.bin")), existsSync(out("new"))]).toEqual([
      false,
      true,
      true,
    ]);
  });

  test("redownload brings files to their paths in the manifest", async () => {
    writeFileSync(out("x/one.bin"), "X");
    rmSync(out("x/two.bin"));
    const { code, stdout } = await check("-a", "redownload");
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout:
        "OK=0 missing=1 extra=0 size_mismatch=0 hash_mismatch=1\n[redownload] attempted=2 ok=2\n[recheck] OK=2 missing=0 extra=0 size_mismatch=0 hash_mismatch=0\n",
    });
  });

  test("redownload of a file that the hub's client believes to be right", async () => {
    rmSync(folder.at("out"), { recursive: true });
    await run("huggingface", "ext", "o/n", ".th", out(), "-t", "model", "-mo", folder.at("m.json"));
    writeFileSync(out("a.th"), "X");
    expect((await check("-a", "redownload")).stdout).toContain("[recheck] OK=2 missing=0 extra=0");
    expect(read("a.th")).toBe("a");
  });

  test("redownload that leaves something wrong fails, and says why", async () => {
    const manifest = JSON.parse(readFileSync(folder.at("m.json"), "utf8")) as Record<string, object>;
    Object.assign(manifest["x/one.bin"]!, { source: null });
    Object.assign(manifest["x/two.bin"]!, { source: { provider: "tape" } });
    writeFileSync(folder.at("m.json"), JSON.stringify(manifest));
    rmSync(out("x"), { recursive: true });
    mkdirSync(out("x"));
    const { code, stdout, stderr } = await check("-a", "redownload");
    expect(code).toBe(1);
    expect(stdout).toContain("[redownload] attempted=2 ok=0\n");
    expect(stderr).toMatch(
      /\[skip\] No provenance for x\/one\.bin\n\[skip\] Unsupported provider 'tape' for x\/two\.bin/,
    );
  });

  test("check makes a folder that is missing, in which everything is", async () => {
    rmSync(out(), { recursive: true });
    expect(await check()).toMatchObject({
      code: 0,
      stdout: "OK=0 missing=2 extra=0 size_mismatch=0 hash_mismatch=0\n",
    });
    expect(existsSync(out())).toBe(true);
  });

  test("sizes decide where hashes are not required", async () => {
    await run("verification", "build", "-r", out(), "-m", folder.at("m.json"), "--no-hash");
    expect((await check()).stdout).toContain("OK=0 missing=0 extra=0 size_mismatch=0 hash_mismatch=2");
    expect((await check("--no-require-hash")).stdout).toContain("OK=2 missing=0");
  });

  test("no manifest", async () => {
    const { code, stderr } = await run("verification", "check", "-r", out(), "-m", folder.at("none.json"));
    expect(code).toBe(1);
    expect(stderr).toContain("Error: there is no manifest");
  });
});

describe("checkpoint", () => {
  test("fetch prints one line of JSON", async () => {
    const { code, stdout } = await run(
      "checkpoint",
      "fetch",
      "hf://o/n?filename=a.th",
      "--cache-dir",
      folder.at("c é"),
    );
    expect(code).toBe(0);
    const [line] = stdout.split("\n");
    expect(line).toMatch(
      /^\{"uri": "hf:\/\/o\/n\?filename=a\.th", "saved_to": ".*c é.*a\.th", "size": 1, "sha256": "ca978112.*", "provider": null, "extra": null\}$/,
    );
  });

  test("another SHA-256 than expected names both", async () => {
    writeFileSync(folder.at("m.pt"), "a");
    const { code, stderr } = await run("checkpoint", "verify", folder.at("m.pt"), "--sha256", "0".repeat(64));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: SHA-256 mismatch for checkpoint .*: expected 0{64}, got ca978112/m);
    const right = "CA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB";
    expect(await run("checkpoint", "verify", folder.at("m.pt"), "--sha256", right)).toMatchObject({
      code: 0,
      stdout: "OK\n",
    });
  });

  test("verify without anything to compare with says that the file is there", async () => {
    writeFileSync(folder.at("m.pt"), "a");
    expect(await run("checkpoint", "verify", folder.at("m.pt"))).toMatchObject({ code: 0, stdout: "OK\n" });
  });

  test("fetch with another SHA-256 names both, and keeps nothing", async () => {
    const args = ["checkpoint", "fetch", "hf://o/n?filename=a.th", "--cache-dir", folder.at("c")];
    const { code, stdout, stderr } = await run(...args, "--sha256", "0".repeat(64));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/expected 0{64}, got ca978112/);
    const left = readdirSync(folder.at("c"), { recursive: true }) as string[];
    expect(left.filter((name) => name.endsWith("a.th"))).toEqual([]);
  });

  test("a file that cannot be loaded", async () => {
    writeFileSync(folder.at("m.pt"), "no checkpoint");
    const { code, stderr } = await run("checkpoint", "verify", folder.at("m.pt"), "--verify-load", "pt");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: .*m\.pt cannot be loaded as pt: .*got a file of an unknown format/m);
  });

  test("TorchScript: a model, and what is none", async () => {
    const model = join(__dirname, "../../torch/jit/fixtures/scripted.torchscript");
    expect(await run("checkpoint", "verify", model, "--verify-load", "ts")).toMatchObject({ code: 0, stdout: "OK\n" });
    writeFileSync(folder.at("cut.pt"), readFileSync(model).subarray(0, 5000));
    const { code, stderr } = await run("checkpoint", "verify", folder.at("cut.pt"), "--verify-load", "ts");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: .*cut\.pt cannot be loaded as ts: .*expected an intact file/m);
  });

  test("ONNX: a model and what is none, or the package that is missing, before anything is fetched", async () => {
    const model = join(__dirname, "fixtures/linear.onnx");
    if (!isInstalled("onnxruntime-node")) {
      const before = s3.requests.length;
      const { code, stdout, stderr } = await run("checkpoint", "fetch", "s3://b/model.onnx", "--verify-load", "onnx");
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toContain(
        "expected the package onnxruntime-node, which loads ONNX files, got none: npm install onnxruntime-node",
      );
      expect(s3.requests).toHaveLength(before);
      return;
    }
    expect(await run("checkpoint", "verify", model, "--verify-load", "onnx")).toMatchObject({
      code: 0,
      stdout: "OK\n",
    });
    writeFileSync(folder.at("cut.onnx"), readFileSync(model).subarray(0, 60));
    const { code, stderr } = await run("checkpoint", "verify", folder.at("cut.onnx"), "--verify-load", "onnx");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: .*cut\.onnx cannot be loaded as onnx/m);
  });
});

describe("what the environment says wrongly", () => {
  test.each([
    ["HF_ENDPOINT", ["huggingface", "estimate", "o/n"]],
    ["AWS_ENDPOINT_URL", ["aws", "estimate", "b", "p"]],
  ])("%s is no URL", async (name, args) => {
    process.env[name] = "nonsense";
    const { code, stderr } = await run(...args);
    expect(code).toBe(1);
    expect(stderr).toContain(
      `Error: expected ${name} to be a URL that begins with http:// or https://, got "nonsense"`,
    );
  });

  test("a hub that there is not", async () => {
    process.env["HF_ENDPOINT"] = "http://hub.invalid";
    const { code, stderr } = await run("huggingface", "estimate", "o/n");
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: o\/n@main: hub\.invalid cannot be reached: getaddrinfo ENOTFOUND hub\.invalid/m);
  });

  test("a key that there is not", async () => {
    const { code, stderr } = await run("aws", "file", "b", "none", folder.at("out"));
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/Error: s3:\/\/b\/none: 404 NotFound$/m),
    });
  });
});

test.each([
  ["*.th", undefined, ["a.th"]],
  ["**.th", undefined, ["a.th", "d/b.th"]],
  ["d/**", undefined, ["d/b.th", "d/e/c.txt"]],
  ["**/c.txt", undefined, ["d/e/c.txt"]],
  [undefined, "d/*/*", ["a.th", "d/b.th"]],
  ["?.th", undefined, ["a.th"]],
])("--include %s --exclude %s", (include, exclude, expected) =>
  expect(["a.th", "d/b.th", "d/e/c.txt"].filter(pathFilter(include, exclude))).toEqual(expected),
);

function isInstalled(name: string): boolean {
  try {
    return require.resolve(name) !== "";
  } catch {
    return false;
  }
}
