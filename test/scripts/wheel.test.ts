import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const script = join(__dirname, "..", "..", "scripts", "wheel.py");
let folder: string;

beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "noether-wheel-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function python(...args: string[]) {
  return spawnSync("python3", args, { encoding: "utf8", cwd: folder });
}

/** A wheel with one library of the given content, whose RECORD belongs to the content "library". */
function makeWheel(content: string, entry = "pkg/lib/libx.so"): string {
  const code = `
import base64, hashlib, sys, zipfile
digest = base64.urlsafe_b64encode(hashlib.sha256(b"library").digest()).rstrip(b"=").decode()
with zipfile.ZipFile("x.whl", "w") as wheel:
    wheel.writestr(sys.argv[1], sys.argv[2])
    wheel.writestr("pkg/module.py", "pass")
    wheel.writestr("pkg-1.dist-info/RECORD", f"{sys.argv[1]},sha256={digest},7\\npkg-1.dist-info/RECORD,,\\n")`;
  expect(python("-c", code, entry, content).status).toBe(0);
  return join(folder, "x.whl");
}

test("unpack keeps what was asked for and checks it against RECORD", () => {
  const wheel = makeWheel("library");
  const { status, stderr } = python(script, "unpack", wheel, join(folder, "out"), "--keep", "pkg/lib/*");
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(readFileSync(join(folder, "out", "pkg", "lib", "libx.so"), "utf8")).toBe("library");
  expect(existsSync(join(folder, "out", "pkg", "module.py"))).toBe(false);
});

test("unpack refuses a file that does not match RECORD", () => {
  const { status, stderr } = python(
    script,
    "unpack",
    makeWheel("tampered"),
    join(folder, "out"),
    "--keep",
    "pkg/lib/*",
  );
  expect(status).toBe(1);
  expect(stderr).toContain("for pkg/lib/libx.so of x.whl");
});

test("unpack refuses a path that leads out of the target folder", () => {
  const wheel = makeWheel("library", "pkg/../../escaped.so");
  const { status, stderr } = python(script, "unpack", wheel, join(folder, "out"), "--keep", "*.so");
  expect(status).toBe(1);
  expect(stderr).toContain("expected only paths inside the wheel");
  expect(existsSync(join(folder, "escaped.so"))).toBe(false);
});

describe("requirements", () => {
  const direct = `Name: torch
Requires-Dist: sympy>=1.13.3
Requires-Dist: nvidia-cuda-runtime-cu12==12.8.90; platform_system == "Linux"
Requires-Dist: nvidia-cublas-cu12==12.8.4.1; platform_system == "Linux"
Requires-Dist: triton==3.5.0; platform_system == "Linux"
`;
  const viaToolkit = `Name: torch
Requires-Dist: cuda-toolkit[cublas,cudart]==13.0.3; platform_system == "Linux"
Requires-Dist: nvidia-nccl-cu13==2.29.7; platform_system == "Linux"
`;
  const toolkit = `Name: cuda-toolkit
Requires-Dist: nvidia-cublas==13.1.*; (sys_platform == 'linux' or sys_platform == 'win32') and extra == 'cublas'
Requires-Dist: nvidia-cuda-runtime==13.0.96.*; (sys_platform == 'linux') and extra == 'cudart'
Requires-Dist: nvidia-npp==13.0.1.*; (sys_platform == 'linux') and extra == 'npp'
`;
  function requirements(metadata: string, ...options: string[]): string[] {
    writeFileSync(join(folder, "METADATA"), metadata);
    writeFileSync(join(folder, "TOOLKIT"), toolkit);
    return python(script, "requirements", "METADATA", ...options)
      .stdout.trim()
      .split("\n");
  }

  test("lists the NVIDIA wheels that torch pins itself", () => {
    expect(requirements(direct)).toEqual(["nvidia-cuda-runtime-cu12==12.8.90", "nvidia-cublas-cu12==12.8.4.1"]);
  });

  test("asks for the toolkit's metadata first where torch pins the toolkit", () => {
    expect(requirements(viaToolkit)).toEqual(["cuda-toolkit==13.0.3"]);
  });

  test("lists the toolkit's wheels of the extras that torch asks for", () => {
    const expected = ["nvidia-cublas==13.1.*", "nvidia-cuda-runtime==13.0.96.*", "nvidia-nccl-cu13==2.29.7"];
    expect(requirements(viaToolkit, "--toolkit", "TOOLKIT")).toEqual(expected);
  });

  test("with library names lists only the wheels that hold them", () => {
    const options = ["--toolkit", "TOOLKIT", "--soname", "libcudart.so.13"];
    expect(requirements(viaToolkit, ...options)).toEqual(["nvidia-cuda-runtime==13.0.96.*"]);
    expect(requirements(direct, "--soname", "libcublas.so.12")).toEqual(["nvidia-cublas-cu12==12.8.4.1"]);
  });
});
