// Whether a binary of Linux runs on systems as old as libtorch allows, and without what the machine that compiled it has.
import { execFileSync } from "node:child_process";
import { basename } from "node:path";

/** The newest symbol versions that libtorch 2.11 to 2.14 itself needs: where it runs, these are. */
const newest = { GLIBC: "2.28", GLIBCXX: "3.4.22", CXXABI: "1.3.11", GCC: "3.4" };

/** Libraries that every system has, or that come with libtorch. */
const known =
  /^(libc|libm|libdl|libpthread|ld-linux-x86-64|libstdc\+\+|libgcc_s|libc10|libtorch_cpu|libc10_cuda|libtorch_cuda|libcudart)\.so(\.\d+)*$/;

/** One sentence for each thing that keeps `file` from running elsewhere; empty when nothing does. */
export function portabilityProblems(file) {
  const read = (...options) => execFileSync("readelf", ["--wide", ...options, file], { encoding: "utf8" });
  return problemsIn(read("--dyn-syms"), read("--dynamic")).map((problem) => `${basename(file)}: ${problem}`);
}

/** The same from the output of `readelf --wide --dyn-syms` and `readelf --wide --dynamic`. */
export function problemsIn(symbols, dynamic) {
  const problems = [];
  for (const [, name, family, version] of symbols.matchAll(/ UND ([^\s@]+)@([A-Z]+)_([\d.]+)/g)) {
    if (!(family in newest)) problems.push(`${name} asks for a symbol version of its own, ${family}_${version}`);
    else if (isNewer(version, newest[family])) {
      problems.push(`${name} needs ${family}_${version}, newer than ${family}_${newest[family]}`);
    }
  }
  for (const [, tag, value] of dynamic.matchAll(/\((NEEDED|RPATH|RUNPATH)\).*\[(.*)\]/g)) {
    if (tag !== "NEEDED") problems.push(`it has the run-time path ${value}`);
    else if (!known.test(value)) problems.push(`it needs ${value}, which not every system has`);
  }
  return problems;
}

function isNewer(version, limit) {
  const [a, b] = [version, limit].map((text) => text.split(".").map(Number));
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
