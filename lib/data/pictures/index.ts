/** Pictures of fields. */
export { colourScale, type ColourScale } from "./colours";
export { COMPARED, type Compared, type ComparedField, drawComparison, magnitudes } from "./draw-comparison";
export { drawField, type DrawnField, type DrawOptions } from "./draw-field";
export { encodePng } from "./png";
