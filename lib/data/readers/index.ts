export { rowsOf, type NdArray, type NumericType, type TypedArray } from "./arrays";
export { CellType } from "./cell-types";
export { FileFormatError, type FilePlace } from "./errors";
export { meshTimes, readMesh, writeMesh } from "./formats";
export { FieldMap, Mesh, type Cells, type ImageGrid, type MeshParts, type Points, type PolyhedronFaces } from "./mesh";
export { readArrays, readTable, writeArray, type ReadArraysOptions } from "./named-arrays";
export type { CsvOptions } from "./csv";
export type { ReadOptions } from "./options";
export type { WriteOptions } from "./write-options";
