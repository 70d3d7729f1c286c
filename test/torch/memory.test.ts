import { emptyCache, full, memory, scope, zeros } from "../../lib/torch";

const MiB = 2 ** 20;

describe("memory of freed tensors", () => {
  it("is not counted as live", () => {
    const { bytes } = memory();
    scope(() => {
      zeros([8 * MiB]);
      expect(memory().bytes - bytes).toBeGreaterThanOrEqual(32 * MiB);
    });
    expect(memory().bytes).toBe(bytes);
  });

  it("goes back to the system with emptyCache", () => {
    full([64 * MiB], 1).dispose();
    const held = process.memoryUsage().rss;
    emptyCache();
    expect(held - process.memoryUsage().rss).toBeGreaterThan(200 * MiB);
  });

  it("is used by the next tensor of the size, which starts from zeros all the same", () => {
    full([MiB], 7).dispose();
    expect(scope(() => Number(zeros([MiB]).sum().item()))).toBe(0);
  });
});
