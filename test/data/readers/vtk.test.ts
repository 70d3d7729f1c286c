/** Files of VTK and meshio in every encoding, against what VTK reads from them (fixtures/make_vtk.py). */
import { bytesSource } from "../../../lib/data/readers/byte-source";
import { readLegacyVtk } from "../../../lib/data/readers/vtk/legacy-reader";
import { readVtkXml } from "../../../lib/data/readers/vtk/xml-reader";
import { describeMesh, readFixture, type Described } from "./support";

const { meshes, files } = readFixture<{
  meshes: Record<string, Described>;
  files: Record<string, { mesh: string; bytes: string }>;
}>("vtk.json.gz");

/** VTK has pixels and voxels where a structured grid has quads and hexahedra here, and their corners in another order. */
function withHexahedra(mesh: Described): Described {
  const order = new Map([
    [8, { type: 9, corners: [0, 1, 3, 2] }],
    [11, { type: 12, corners: [0, 1, 3, 2, 4, 5, 7, 6] }],
  ]);
  if (mesh.dimensions === undefined) return mesh;
  const cells = mesh.cells.map((cell) => {
    const other = order.get(cell.type);
    return other ? { type: other.type, points: other.corners.map((corner) => cell.points[corner]!) } : cell;
  });
  return { ...mesh, cells };
}

test.each(Object.keys(files))("%s", (name) => {
  const { mesh, bytes } = files[name]!;
  const source = bytesSource(Buffer.from(bytes, "base64"), name);
  const read = name.endsWith(".vtk") ? readLegacyVtk : readVtkXml;
  expect(describeMesh(read(source))).toEqual(withHexahedra(meshes[mesh]!));
});
