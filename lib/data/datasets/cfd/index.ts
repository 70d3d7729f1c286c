/** Data sets of flows around cars and wings, by their file layouts. */
export { AeroDataset } from "./aero-dataset";
export { AhmedMLDataset, ahmedMLSplitIDs } from "./ahmedml";
export { CAEMLDataset } from "./caeml";
export { DrivAerMLDataset, drivAerMLSplitIDs } from "./drivaerml";
export { ShapeNetCarDataset, shapeNetCarSplitIDs } from "./shapenet-car";
