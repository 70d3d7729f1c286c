import { join } from "node:path";
import { heading, readPage, section, thisMachine, withSection, type Machine } from "../../benchmarks/report";

const versions = { node: "20.1.0", libtorch: "2.13.0", python: "2.13.0" };
const big: Machine = { cpu: "Big", capability: "amx", cores: 8, threads: 8, system: "linux" };
const small: Machine = { ...big, cpu: "Small", capability: "avx2" };
const of = (machine: Machine, figure: string) => section(machine, versions, [`### Start\n\n${figure}\n`]);

describe("the page of benchmarks", () => {
  it("begins with the first machine", () => {
    const page = withSection("", of(big, "1.0"));
    expect(page).toMatch(/^# Benchmarks\n/);
    expect(page).toContain("## 8 × Big, amx\n");
    expect(page).toContain("| machine | 8 × Big, linux, 8 threads; kernels up to amx |");
    expect(page).toContain("| here | Node 20.1.0, libtorch 2.13.0 |");
  });

  it("gets a section for another machine and keeps the first", () => {
    const page = withSection(withSection("", of(big, "1.0")), of(small, "2.0"));
    expect(page.indexOf("1.0\n")).toBeLessThan(page.indexOf("## 8 × Small, avx2"));
    expect(page).toContain("2.0\n");
  });

  it("has a machine's section replaced in its place by its next run", () => {
    const both = withSection(withSection("", of(big, "1.0")), of(small, "2.0"));
    const page = withSection(both, of(big, "3.0"));
    expect(page).toBe(both.replace("1.0\n", "3.0\n"));
  });

  it("tells the same CPU with other kernels apart", () => {
    expect(heading({ ...big, capability: "avx512" })).not.toBe(heading(big));
  });

  it("says that there was one thread", () => {
    expect(of({ ...big, threads: 1 }, "1.0")).toContain("linux, 1 thread; kernels");
  });

  it("says which CPU, threads and kernels each section of the project's page is from", () => {
    const page = readPage(join(__dirname, "../../docs/benchmarks.md"));
    const sections = page.split(/^(?=## )/m).slice(1);
    expect(sections.length).toBeGreaterThan(0);
    for (const text of sections)
      expect(text).toMatch(
        /^## \d+ × .+, (aten|avx2|avx512|avx512_bf16|amx)\n[^#]*\| machine \| \d+ × .+, \d+ threads?; kernels up to /,
      );
    expect(withSection(page, sections[0]!)).toBe(page);
  });
});

it("this machine has a CPU, cores and threads", () => {
  const { cpu, cores, threads } = thisMachine("aten");
  expect([cpu.length > 0, cores > 0, threads > 0]).toEqual([true, true, true]);
});
