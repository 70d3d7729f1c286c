/** Names of NACA 4-digit sections; their geometry is that of the sliders. */
export { camberLine, contour, halfThickness } from "../shapes.mjs";

/** @param {string} digits e.g. "2412" */
export function section(digits) {
  if (!/^\d{4}$/.test(digits)) throw new Error(`a NACA 4-digit name is four digits, got ${JSON.stringify(digits)}`);
  return { camber: +digits[0] / 100, position: +digits[1] / 10, thickness: +digits.slice(2) / 100 };
}
