import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { spawnSync } from "node:child_process";

/** What `problemsIn` of scripts/binaries.mjs says of readelf's output. */
function problems(symbols: string, dynamic: string): string[] {
  const module = pathToFileURL(join(__dirname, "..", "..", "scripts", "binaries.mjs")).href;
  const program = `import { problemsIn } from "${module}"; console.log(JSON.stringify(problemsIn(...${JSON.stringify([symbols, dynamic])})))`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as string[];
}

const symbol = (name: string) => `    12: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND ${name}\n`;
const entry = (tag: string, value: string) => ` 0x0000000000000001 (${tag})             Shared library: [${value}]\n`;

test("symbols that glibc 2.28 and libtorch's libstdc++ have are fine, defined ones are not looked at", () => {
  const own = "    13: 0000000000001300    99 FUNC    GLOBAL DEFAULT   14 napi_register_module_v1\n";
  const symbols = ["pow@GLIBC_2.2.5 (5)", "_ZSt4cerr@GLIBCXX_3.4 (3)", "fcntl64@GLIBC_2.28 (7)", "napi_throw"].map(
    symbol,
  );
  expect(problems(symbols.join("") + own, entry("NEEDED", "libtorch_cpu.so") + entry("NEEDED", "libc.so.6"))).toEqual(
    [],
  );
});

test("a symbol of a later glibc or libstdc++ is named", () => {
  expect(problems(symbol("pow@GLIBC_2.29 (5)") + symbol("_ZSt1x@GLIBCXX_3.4.30 (3)"), "")).toEqual([
    "pow needs GLIBC_2.29, newer than GLIBC_2.28",
    "_ZSt1x needs GLIBCXX_3.4.30, newer than GLIBCXX_3.4.22",
  ]);
});

test("a library, a symbol version or a path of the machine that compiled is named", () => {
  const dynamic = entry("NEEDED", "libgomp.so.1") + entry("RUNPATH", "/home/me/libtorch/lib");
  expect(problems(symbol("GOMP_parallel@GOMP_4.0 (9)"), dynamic)).toEqual([
    "GOMP_parallel asks for a symbol version of its own, GOMP_4.0",
    "it needs libgomp.so.1, which not every system has",
    "it has the run-time path /home/me/libtorch/lib",
  ]);
});
