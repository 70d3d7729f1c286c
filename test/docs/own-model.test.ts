import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { manualSeed, nn, optim, rand, scope } from "../../lib/torch";
import type { Tensor } from "../../lib/torch";

/** The code of docs/modeling.md, with its imports from here. */
function readExample(): string {
  const page = readFileSync(join(__dirname, "..", "..", "docs", "modeling.md"), "utf8");
  const code = /<!-- own-model -->\n+```ts\n([\s\S]*?)```/.exec(page)![1]!;
  const lib = join(__dirname, "..", "..", "lib");
  return code.replaceAll(/"noether-ts\/(\w+)"/g, (_, layer: string) => JSON.stringify(join(lib, layer)));
}

describe("the model of docs/modeling.md", () => {
  it("fits on 30 lines", () => {
    expect(readExample().trim().split("\n").length).toBeLessThanOrEqual(30);
  });

  it("learns", () => {
    const folder = mkdtempSync(join(tmpdir(), "own-model-"));
    try {
      writeFileSync(join(folder, "pressure-model.ts"), readExample());
      // eslint-disable-next-line @typescript-eslint/no-require-imports -- the file is written here
      const { PressureModel } = require(join(folder, "pressure-model.ts")) as { PressureModel: new () => nn.Module };
      manualSeed(0);
      const model = new PressureModel();
      const batch = { position: rand([2, 20, 3]), speed: rand([2]), angle: rand([2]) };
      const target = batch.position.narrow(-1, 0, 1);
      const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2 });
      const losses = Array.from({ length: 30 }, () =>
        scope(() => {
          optimizer.zeroGrad();
          const loss = nn.functional.mseLoss(model.forward(batch) as Tensor, target);
          loss.backward();
          optimizer.step();
          return Number(loss.item());
        }),
      );
      expect(losses.at(-1)!).toBeLessThan(0.5 * losses[0]!);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
