/** What files, OpenFOAM cases and folders of cases hold. */
export { isReadable, readContents, type Contents, type ContentsOptions } from "./contents";
export { readFolder, type FolderContents, type FolderOptions } from "./folder";
export { layoutOf, type CaseFiles, type Layout } from "./layout";
export { proposeConfig } from "./proposal";
export { summariseMesh, type FieldSummary, type Location, type MeshSummary, type Range } from "./summary";
