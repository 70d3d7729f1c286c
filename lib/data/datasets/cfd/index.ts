/** Data sets of flows around cars and wings, by their file layouts. */
export { AeroDataset } from "./aero-dataset";
export { AhmedMLDataset, ahmedMLSplitIDs } from "./ahmedml";
export { CAEMLDataset } from "./caeml";
export { EmmiWingDataset, EmmiWingDatasetConfig } from "./emmi-wing";
export { EmmiWingHFDataset, emmiWingHFSplitIDs } from "./emmi-wing-hf";
export { WingDataset } from "./wing-dataset";
export { DrivAerNetDataset, DrivAerNetDatasetConfig } from "./drivaernet";
export { DrivAerMLDataset, drivAerMLSplitIDs } from "./drivaerml";
export { ShapeNetCarDataset, shapeNetCarSplitIDs } from "./shapenet-car";
export { SimshiftHeatsinkConfig, SimshiftHeatsinkDataset } from "./simshift-heatsink";
