export { rowsOf, type NdArray, type NumericType, type TypedArray } from "./arrays";
export { CellType } from "./cell-types";
export { FileFormatError, type FilePlace } from "./errors";
export { readMesh, writeMesh } from "./formats";
export { openFoamTimes } from "./openfoam/case";
export { FieldMap, Mesh, type Cells, type ImageGrid, type MeshParts, type Points, type PolyhedronFaces } from "./mesh";
export type { ReadOptions } from "./options";
export type { WriteOptions } from "./write-options";
