/** Programs of docs/torch.md and docs/torch/ print what their comments say. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { format } from "node:util";

const docs = join(__dirname, "..", "..", "docs");

test.each([
  ["tutorial", "torch.md"],
  ["functions", "torch/autograd.md"],
])("the program %s of %s prints what its comments say", (name, file) => {
  const page = readFileSync(join(docs, file), "utf8");
  const parts = new RegExp(`<!-- ${name} -->\\n+\`\`\`ts\\n([\\s\\S]*?)\`\`\``, "g");
  const program = [...page.matchAll(parts)].map(([, code]) => code!).join("");
  const folder = mkdtempSync(join(tmpdir(), "tour-"));
  const printed: string[] = [];
  const log = jest.spyOn(console, "log").mockImplementation((...values) => void printed.push(format(...values)));
  try {
    const lib = join(__dirname, "..", "..", "lib");
    const code = program
      .replaceAll(/"noether-ts\/(\w+)"/g, (_, layer: string) => JSON.stringify(join(lib, layer)))
      .replaceAll('"curve.pt"', JSON.stringify(join(folder, "curve.pt")));
    writeFileSync(join(folder, "tour.ts"), code);
    // eslint-disable-next-line @typescript-eslint/no-require-imports -- the file is written here
    require(join(folder, "tour.ts"));
  } finally {
    log.mockRestore();
    rmSync(folder, { recursive: true, force: true });
  }
  const promised = [...program.matchAll(/\/\/ → (.*)$/gm)].map(([, text]) => text!);
  expect(promised.length).toBeGreaterThan(8);
  expect(printed).toEqual(promised);
});
