/** Pictures of fields. */
export { drawField, type DrawnField } from "./draw-field";
