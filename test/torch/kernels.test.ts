/** Which kernels run where: what the CPU says, and what the environment rules out. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cpuCapability, cpuKernels } from "../../lib/torch";
import { attentionKernel, matmulKernel } from "../../lib/torch/kernels";
import type { CpuKernels } from "../../lib/torch/native";

const addon = process.env.NOETHER_NATIVE ?? join(__dirname, "../../native/build/Release/noether_native.node");
const tiers = ["aten", "avx2", "avx512", "avx512_bf16", "amx"];

/** What a process of its own says with these variables: its kernels, or its error. */
function inEnvironment(variables: NodeJS.ProcessEnv): CpuKernels & { code?: string; message?: string } {
  const script = `const native = require(${JSON.stringify(addon)});
    try { console.log(JSON.stringify(native.cpuKernels())) }
    catch ({ code, message }) { console.log(JSON.stringify({ code, message })) }`;
  const env = { ...process.env, NOETHER_CPU: "", ...variables };
  return JSON.parse(spawnSync(process.execPath, ["-e", script], { env, encoding: "utf8" }).stdout) as CpuKernels;
}

const available = ({ matmul, attention }: CpuKernels) =>
  [...matmul, ...attention].filter((kernel) => kernel.available).map(({ name }) => name);

/** The tiers that this CPU has. */
const own = tiers.slice(0, tiers.indexOf(inEnvironment({}).capability) + 1);

test.each([...own.entries()])("tier %i, %s: nothing above it is used", (tier, name) => {
  const kernels = inEnvironment({ NOETHER_CPU: name });
  expect(kernels.capability).toBe(name);
  const above = tiers.slice(tier + 1);
  expect(available(kernels).filter((kernel) => above.includes(kernel))).toEqual([]);
  if (name === "aten") expect(available(kernels)).toEqual([]);
});

test("a tier that the CPU lacks is refused, with the reason and the tiers that it has", () => {
  for (const name of tiers.slice(own.length)) {
    const { code, message } = inEnvironment({ NOETHER_CPU: name });
    expect(code).toBe("ERR_VALUE");
    expect(message).toContain(`(${own.join(", ")}), got "${name}", which needs `);
  }
});

test("the highest tier is what the CPU has", () => {
  if (process.platform !== "linux" || process.arch !== "x64" || !existsSync("/proc/cpuinfo")) {
    expect(inEnvironment({}).capability).toBe("aten");
    return;
  }
  const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))![1]!.trim().split(" "));
  const all = (...names: string[]) => names.every((name) => flags.has(name));
  const avx2 = all("avx2", "fma", "bmi2");
  const avx512 = avx2 && all("avx512f", "avx512bw", "avx512dq", "avx512vl");
  const bf16 = avx512 && all("avx512_bf16");
  const capability = bf16 ? "avx512_bf16" : avx512 ? "avx512" : avx2 ? "avx2" : "aten";
  // the system may refuse the tile unit
  const tiles = bf16 && all("amx_tile", "amx_bf16") ? ["amx"] : [];
  expect([capability, ...tiles]).toContain(inEnvironment({}).capability);
});

test("a tier that does not exist is an error that names the others", () => {
  expect(inEnvironment({ NOETHER_CPU: "sse" })).toMatchObject({
    code: "ERR_VALUE",
    message: expect.stringContaining(
      'expected aten, avx2, avx512, avx512_bf16 or amx in NOETHER_CPU, got "sse"',
    ) as string,
  });
});

test.each(["NOETHER_TILE_UNIT", "NOETHER_CPU_CAPABILITY"])("%s, which NOETHER_CPU has replaced, is refused", (name) => {
  const { code, message } = inEnvironment({ [name]: "0" });
  expect(code).toBe("ERR_VALUE");
  expect(message).toContain(`expected NOETHER_CPU, which has replaced ${name}, got ${name}="0": unset ${name}`);
  expect(inEnvironment({ [name]: "" }).capability).toBe(own.at(-1));
});

test("an operation takes a kernel that is available, and none for a small problem", () => {
  const { matmul, attention } = cpuKernels();
  expect(tiers).toContain(cpuCapability());
  for (const dtype of ["float32", "bfloat16"] as const) {
    const names = (list: typeof matmul) => [null, ...list.filter((kernel) => kernel.available).map(({ name }) => name)];
    expect(names(matmul)).toContain(matmulKernel(480, 768, 192, dtype));
    expect(names(attention)).toContain(attentionKernel(1024, 1024, 64, dtype));
    expect(matmulKernel(1, 1, 1, dtype)).toBeNull();
    expect(attentionKernel(1, 1, 64, dtype)).toBeNull();
  }
});
