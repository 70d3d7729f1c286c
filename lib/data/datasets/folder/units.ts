/** Units of measurement as they are written in configs, and the way from each to SI. */
import { ValueError } from "../../../config/python-errors";

/** `SI value = factor · value + offset`. */
export interface Conversion {
  readonly factor: number;
  readonly offset: number;
}

/** Units that take a prefix, with their factors to SI. */
const PREFIXED: Readonly<Record<string, number>> = {
  m: 1,
  g: 1e-3,
  s: 1,
  K: 1,
  A: 1,
  mol: 1,
  Pa: 1,
  N: 1,
  J: 1,
  W: 1,
  Hz: 1,
  V: 1,
  bar: 1e5,
  rad: 1,
  L: 1e-3,
  l: 1e-3,
};

const PREFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  µ: 1e-6,
  μ: 1e-6,
  m: 1e-3,
  c: 1e-2,
  d: 1e-1,
  h: 1e2,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
};

const FOOT = 0.3048;
const POUND = 0.45359237;
const GRAVITY = 9.80665;

/** Units without prefixes. */
const PLAIN: Readonly<Record<string, number>> = {
  "1": 1,
  "-": 1,
  "%": 1e-2,
  in: FOOT / 12,
  inch: FOOT / 12,
  ft: FOOT,
  yd: 3 * FOOT,
  mile: 5280 * FOOT,
  nmi: 1852,
  min: 60,
  h: 3600,
  day: 86400,
  mph: (5280 * FOOT) / 3600,
  knot: 1852 / 3600,
  kn: 1852 / 3600,
  deg: Math.PI / 180,
  "°": Math.PI / 180,
  rpm: (2 * Math.PI) / 60,
  t: 1000,
  lb: POUND,
  lbf: POUND * GRAVITY,
  kgf: GRAVITY,
  psi: (POUND * GRAVITY) / (FOOT / 12) ** 2,
  atm: 101325,
  torr: 101325 / 760,
  mmHg: 133.322387415,
  cal: 4.184,
  kcal: 4184,
  kWh: 3.6e6,
  hp: 550 * FOOT * POUND * GRAVITY,
  P: 0.1,
  cP: 1e-3,
  St: 1e-4,
  cSt: 1e-6,
};

/** Temperatures whose zero is not that of K. */
const SHIFTED: Readonly<Record<string, Conversion>> = {
  degC: { factor: 1, offset: 273.15 },
  "°C": { factor: 1, offset: 273.15 },
  degF: { factor: 5 / 9, offset: 459.67 * (5 / 9) },
  "°F": { factor: 5 / 9, offset: 459.67 * (5 / 9) },
};

const EXPONENTS: Readonly<Record<string, string>> = { "²": "^2", "³": "^3" };

/** Factor of `mm`, `Pa`, `ft`; undefined where it is none. */
function factorOf(name: string): number | undefined {
  if (Object.hasOwn(PLAIN, name)) return PLAIN[name];
  if (Object.hasOwn(PREFIXED, name)) return PREFIXED[name];
  const [prefix, unit] = [name.slice(0, 1), name.slice(1)];
  if (Object.hasOwn(PREFIXES, prefix) && Object.hasOwn(PREFIXED, unit)) return PREFIXES[prefix]! * PREFIXED[unit]!;
  return undefined;
}

/** Products and quotients of powers: `kg/m^3`, `m2/s2`, `N.m`, `J/kg/K`. A product after a slash could mean two things, and is none. */
function parse(text: string): Conversion | undefined {
  if (Object.hasOwn(SHIFTED, text)) return SHIFTED[text];
  const [above, ...below] = text
    .trim()
    .replace(/[²³]/g, (mark) => EXPONENTS[mark]!)
    .split("/");
  const numerator = above!
    .trim()
    .split(/[*·. ]/)
    .map(powerOf);
  const denominator = below.map(powerOf);
  const factor =
    numerator.reduce((product, power) => product * power, 1) /
    denominator.reduce((product, power) => product * power, 1);
  return Number.isNaN(factor) ? undefined : { factor, offset: 0 };
}

/** Factor of a unit to a power, `m^3`; NaN where it is none. */
function powerOf(text: string): number {
  const [, name, caret, power] = /^(.*?[^\d^+-]|1|-)(\^)?([+-]?\d)?$/.exec(text) ?? [];
  const factor = name === undefined ? undefined : factorOf(name);
  if (factor === undefined || (caret !== undefined && power === undefined)) return NaN;
  return factor ** Number(power ?? 1);
}

/** Whether a text is a unit that is known. */
export function isUnit(text: string): boolean {
  return parse(text) !== undefined;
}

/** What is wrong with a text that is no known unit. */
export function unitProblem(text: string): string {
  return `unknown unit "${text}"; known are m, mm, in, ft, s, m/s, km/h, mph, Pa, kPa, bar, psi, K, degC, kg/m^3, N, deg, … and their products; any other factor is a scale`;
}

/** The way from a unit to SI. @throws ValueError for a unit that is not known */
export function toSI(text: string): Conversion {
  const conversion = parse(text);
  if (!conversion) throw new ValueError(unitProblem(text));
  return conversion;
}
