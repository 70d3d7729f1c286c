import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pictureParts, writePicture } from "../../../lib/data/inspect/picture";
import { CellType, FieldMap, Mesh } from "../../../lib/data/readers";

const folder = mkdtempSync(join(tmpdir(), "noether-picture-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Part {
  name: string;
  isShown: boolean;
  points: string;
  triangles: string | null;
  fields: { name: string; location: string; components: number; unit?: string; values: string }[];
}

/** The data in the file that is written of a mesh. */
function draw(mesh: Mesh, mostPoints = 100): { html: string; origin: number[]; parts: Part[] } {
  const path = join(folder, "picture.html");
  writePicture(path, pictureParts("case", mesh), { title: "a </script> & b", about: "", mostPoints });
  const html = readFileSync(path, "utf8");
  const json = /<script type="application\/json" id="data">([^]*?)<\/script>/.exec(html)![1]!;
  return { html, ...(JSON.parse(json) as { origin: number[]; parts: Part[] }) };
}
const floats = (text: string): number[] => {
  const bytes = Uint8Array.from(Buffer.from(text, "base64"));
  return [...new Float32Array(bytes.buffer)];
};

const surface = new Mesh({
  points: Float64Array.of(1e6, 0, 0, 1e6 + 2, 0, 0, 1e6 + 2, 2, 0, 1e6, 2, 0),
  cells: { connectivity: Int32Array.of(0, 1, 2, 3), offsets: Int32Array.of(0, 4), types: Uint8Array.of(CellType.QUAD) },
  pointData: new FieldMap([["p", { values: Float64Array.of(1, 2, NaN, 4), shape: [4] }]]),
  cellData: new FieldMap([["area", { values: Int32Array.of(4), shape: [1] }]]),
});

test("a surface is drawn as triangles, with values on points and on the cell of each triangle", () => {
  const { origin, parts } = draw(surface);
  expect(origin).toEqual([1e6 + 1, 1, 0]);
  expect(floats(parts[0]!.points)).toEqual([-1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0]);
  expect([...new Int32Array(Uint8Array.from(Buffer.from(parts[0]!.triangles!, "base64")).buffer)]).toEqual([
    0, 1, 2, 0, 2, 3,
  ]);
  expect(parts[0]!.fields.map(({ name, location, values }) => [name, location, floats(values)])).toEqual([
    ["p", "points", [1, 2, NaN, 4]],
    ["area", "cells", [4, 4]],
  ]);
});

test("nothing in the file comes from elsewhere, and no text ends a script early", () => {
  const { html } = draw(surface);
  expect(html).not.toMatch(/https?:|\bsrc=|\bhref=|@import|url\(/);
  expect(html).not.toMatch(/__[A-Z]+__/);
  expect(html.match(/<\/script>/g)).toHaveLength(2);
  expect(html).toContain("default-src 'none'");
});

test("a volume is drawn as points of its cells where the fields are on them, at most so many", () => {
  const count = 500;
  const connectivity = Int32Array.from({ length: 8 * count }, (_, i) => i % 8);
  const cube = [0, 1].flatMap((z) => [0, 1].flatMap((y) => [0, 1].flatMap((x) => [x, y, z])));
  const mesh = new Mesh({
    points: Float32Array.from(cube),
    cells: {
      connectivity,
      offsets: Int32Array.from({ length: count + 1 }, (_, i) => 8 * i),
      types: new Uint8Array(count).fill(CellType.VOXEL),
    },
    cellData: new FieldMap([["n", { values: Float32Array.from({ length: count }, (_, i) => i), shape: [count] }]]),
  });
  const { parts } = draw(mesh, 50);
  const rows = floats(parts[0]!.fields[0]!.values);
  expect(rows).toHaveLength(50);
  rows.forEach((row, i) => expect(Math.floor(row / 10)).toBe(i));
  expect(floats(parts[0]!.points)).toEqual(new Array(150).fill(0));
  expect(parts[0]!.triangles).toBeNull();
});

test("walls are shown at first, where there are any", () => {
  const wall = surface.with({ fieldData: new FieldMap() });
  wall.fieldData.texts.set("type", ["wall"]);
  const { parts } = draw(
    new Mesh({
      blocks: new Map([
        ["inlet", surface],
        ["body", wall],
      ]),
    }),
  );
  expect(parts.map(({ name, isShown }) => [name, isShown])).toEqual([
    ["case/inlet", false],
    ["case/body", true],
  ]);
});

test("nothing to draw", () => {
  expect(() => draw(new Mesh())).toThrow("expected points to draw");
});
