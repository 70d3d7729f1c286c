/** Small folders of cases, written for the tests. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { validateConfig } from "../../../../lib/config/schema";
import { FieldMap, FolderDataset, FolderDatasetConfig, Mesh, writeMesh, type TypedArray } from "../../../../lib/data";
import { uniformCells } from "../../../../lib/data/readers/cells";
import { CellType } from "../../../../lib/data/readers/cell-types";

/** A folder that goes when the tests of the file are over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "noether-folder-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeText(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

type Fields = Record<string, TypedArray>;

/** Fields whose rows are `count`. */
export function fields(values: Fields, count: number): FieldMap {
  return new FieldMap(
    Object.entries(values).map(([name, array]) => [
      name,
      { values: array, shape: array.length === count ? [count] : [count, array.length / count] },
    ]),
  );
}

/** The unit square in the plane z = 0, two triangles, seen from +z counter-clockwise. */
export function square({
  size = 1,
  points = {},
  cells = {},
  whole = {},
}: { size?: number; points?: Fields; cells?: Fields; whole?: Fields } = {}): Mesh {
  return new Mesh({
    points: Float64Array.from([0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0], (x) => x * size),
    cells: uniformCells(Int32Array.of(0, 1, 2, 0, 2, 3), 3, CellType.TRIANGLE),
    pointData: fields(points, 4),
    cellData: fields(cells, 2),
    fieldData: new FieldMap(Object.entries(whole).map(([name, values]) => [name, { values, shape: [values.length] }])),
  });
}

/** Writes a mesh for each case and file: `{ a: { "surface.vtp": mesh } }`. */
export async function writeCases(folder: string, cases: Record<string, Record<string, Mesh>>): Promise<void> {
  for (const [name, files] of Object.entries(cases)) {
    for (const [file, mesh] of Object.entries(files)) {
      const path = join(folder, name, file);
      mkdirSync(dirname(path), { recursive: true });
      await writeMesh(mesh, path);
    }
  }
}

/** The validated config of a folder. */
export function configOf(root: string, options: Record<string, unknown>): FolderDatasetConfig {
  return validateConfig(FolderDatasetConfig, {
    kind: "noether.data.datasets.FolderDataset",
    root,
    cases: "*/",
    ...options,
  });
}

export function open(root: string, options: Record<string, unknown>): FolderDataset {
  return new FolderDataset(configOf(root, options));
}

/** The message of what fails, as a promise or at once. */
export async function failure(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("expected a failure");
}
