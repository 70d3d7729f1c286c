/** Blocks and architectures for physics on meshes and point clouds. See docs/modeling.md. */
export * from "./functional";
export * from "./modules";
export * from "./models";
export * as aerodynamics from "./aerodynamics";
export * as boilerplate from "./boilerplate";
