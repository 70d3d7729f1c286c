/** From the files that the authors of public data sets publish to those that the data sets read. */
export { preprocessCAEML, type CAEMLOptions } from "./caeml";
export { preprocessDrivAerNet, type DrivAerNetOptions } from "./drivaernet";
export type { PreprocessProgress } from "./sample-writer";
export { preprocessShapeNetCar, type ShapeNetCarOptions } from "./shapenet-car";
