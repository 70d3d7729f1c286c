/** Pictures of fields. */
export { colourScale, type ColourScale } from "./colours";
export { drawField, type DrawnField, type DrawOptions } from "./draw-field";
