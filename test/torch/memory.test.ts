import { emptyCache, full, memory, scope, zeros } from "../../lib/torch";
import { collectGarbage } from "../support/collect-garbage";

const MiB = 2 ** 20;
const rss = () => process.memoryUsage().rss;

beforeAll(collectGarbage);

describe("memory of freed tensors", () => {
  it("is not counted as live", () => {
    const { bytes } = memory();
    scope(() => {
      zeros([8 * MiB]);
      expect(memory().bytes - bytes).toBeGreaterThanOrEqual(32 * MiB);
    });
    expect(memory().bytes).toBe(bytes);
  });

  it.each([
    ["large", 1, 64 * MiB],
    ["many", 300, MiB / 4],
  ])("goes back to the system with emptyCache: %s", (_, count, elements) => {
    const kept = Array.from({ length: count }, () => {
      const [freed, small] = [full([elements], 1), full([20], 1)];
      return { freed, small }; // small ones in between, as models have them
    });
    for (const { freed } of kept) freed.dispose();
    const held = rss();
    emptyCache();
    expect(held - rss()).toBeGreaterThan(0.8 * 4 * count * elements);
    for (const { small } of kept) small.dispose();
  });

  it("is used by the next tensor of the size, which starts from zeros all the same", () => {
    full([16 * MiB], 7).dispose();
    const held = rss();
    const next = zeros([16 * MiB]);
    next.add_(0); // every page
    expect(rss() - held).toBeLessThan(8 * MiB);
    expect(next.sum().item()).toBe(0);
    next.dispose();
  });

  const itOnLinux = process.platform === "linux" ? it : it.skip;
  const sizes = Array.from({ length: 20 }, (_, i) => 100_000 + 20_000 * i); // 22 MiB in all, of which one tensor is alive
  function faultsOfTenPasses(): number {
    const pass = () => sizes.forEach((size) => full([size], 1).dispose());
    pass();
    const before = process.resourceUsage().minorPageFault;
    for (let i = 0; i < 10; i++) pass();
    return process.resourceUsage().minorPageFault - before;
  }

  itOnLinux("is used again where small models free tensors of many sizes one after the other", () => {
    emptyCache();
    // without reuse 10 × 20 tensors of about 285 pages
    expect(faultsOfTenPasses()).toBeLessThan(10_000);
    emptyCache();
  });

  itOnLinux("is used again beside weights that take more than it", () => {
    emptyCache();
    const weights = full([32 * MiB], 1); // 128 MiB
    expect(faultsOfTenPasses()).toBeLessThan(10_000);
    weights.dispose();
    emptyCache();
  });

  itOnLinux("is used again by the next step where a step needs more sizes than ever live together", () => {
    emptyCache();
    const together = (mebibytes: number) => {
      const tensors = Array.from({ length: 40 }, () => full([(mebibytes * MiB) / 4], 1));
      for (const tensor of tensors) tensor.dispose();
    };
    const step = () => [2, 3].forEach(together); // 200 MiB in all, of which 120 are alive at most
    step();
    const before = process.resourceUsage().minorPageFault;
    for (let i = 0; i < 3; i++) step();
    // without reuse 3 × 51,200
    expect(process.resourceUsage().minorPageFault - before).toBeLessThan(20_000);
    emptyCache();
  });

  it("never makes the process hold more than live tensors once took, where that is more than 512 MiB", () => {
    emptyCache();
    full([160 * MiB], 1).dispose(); // 640 MiB
    const held = rss();
    const others = Array.from({ length: 128 }, () => full([MiB / 4], 1)); // 128 MiB in blocks of another size
    expect(rss() - held).toBeLessThan(32 * MiB);
    const small = Array.from({ length: 30_000 }, () => full([1000], 1)); // about as much in small blocks
    expect(rss() - held).toBeLessThan(64 * MiB);
    for (const tensor of [...others, ...small]) tensor.dispose();
    emptyCache();
  });
});
