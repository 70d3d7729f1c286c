import { pyFloatRepr } from "../python-format";
import { exactInteger } from "./numbers";
import { Float, type ScalarValue } from "./nodes";

/**
 * Plain scalars of config files: YAML 1.1 as PyYAML reads it, with OmegaConf's wider floats and without timestamps.
 * `1e-5` is a float, `yes` a boolean, `010` eight, `12:00:00` the integer 43200.
 */

const NULLS = new Set(["", "~", "null", "Null", "NULL"]);
const TRUES = new Set(["yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]);
const FALSES = new Set(["no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]);

const INTEGER = /^[-+]?(?:0b_*[01][01_]*|0x_*[\da-fA-F][\da-fA-F_]*|0[0-7_]+|0|[1-9][\d_]*)$/;
const SEXAGESIMAL = /^[-+]?[1-9][\d_]*(?::[0-5]?\d)+$/;
// PyYAML's, and OmegaConf's wider ones: with an exponent without sign, underscores before the dot stand between digits only
const FLOATS = [
  /^[-+]?\d[\d_]*\.[\d_]*(?:[eE][-+]\d+)?$/,
  /^[-+]?\d(?:_?\d)*\.[\d_]*[eE]\d+$/,
  /^[-+]?\d(?:_?\d)*[eE][-+]?\d+$/,
  /^\.\d[\d_]*(?:[eE][-+]\d+)?$/,
];
const SEXAGESIMAL_FLOAT = /^[-+]?\d[\d_]*(?::[0-5]?\d)+\.[\d_]*$/;
const INFINITE = /^[-+]?\.(?:inf|Inf|INF)$/;
const NOT_A_NUMBER = /^\.(?:nan|NaN|NAN)$/;

function base60(text: string): number {
  return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** The value of a YAML integer text; undefined when it is not one. */
function integer(text: string): number | bigint | undefined {
  const digits = text.replaceAll("_", "").replace(/^[-+]/, "");
  const parts = digits.split(":");
  if (/^0b[01]+$|^0x[\da-f]+$/i.test(digits) && !/^0[BX]/.test(digits)) return signed(text, BigInt(digits));
  if (/^0[0-7]+$/.test(digits)) return signed(text, BigInt(`0o${digits.slice(1)}`));
  if (/^0\d/.test(digits) || !parts.every((part) => /^\d+$/.test(part))) return undefined;
  return signed(
    text,
    parts.reduce((sum, part) => sum * 60n + BigInt(part), 0n),
  );
}

function signed(text: string, magnitude: bigint): number | bigint {
  return exactInteger(text.startsWith("-") ? -magnitude : magnitude);
}

/** The value of a YAML float text. */
function float(text: string): number {
  const negative = text.startsWith("-");
  const digits = text.replace(/^[-+]/, "").replaceAll("_", "").toLowerCase();
  if (digits === ".nan") return NaN;
  const value = digits === ".inf" ? Infinity : digits.includes(":") ? base60(digits) : Number(digits);
  return negative ? -value : value;
}

function isFloatText(text: string): boolean {
  if (/^[-+]?[._]+$/.test(text)) return false; // "." and "_" alone are strings
  return [...FLOATS, SEXAGESIMAL_FLOAT, INFINITE, NOT_A_NUMBER].some((pattern) => pattern.test(text));
}

/** Resolves an unquoted scalar. */
export function resolvePlainScalar(text: string): ScalarValue {
  if (NULLS.has(text)) return null;
  if (TRUES.has(text)) return true;
  if (FALSES.has(text)) return false;
  if (INTEGER.test(text) || SEXAGESIMAL.test(text)) return integer(text) ?? text;
  return isFloatText(text) ? new Float(float(text)) : text;
}

/** Resolves a scalar with an explicit tag: `!!str 5`, `!!int "3"`, `!!float 1`. */
export function resolveTaggedScalar(tag: string, text: string): ScalarValue | undefined {
  switch (tag) {
    case "tag:yaml.org,2002:str":
      return text;
    case "tag:yaml.org,2002:int":
      return integer(text);
    case "tag:yaml.org,2002:float": {
      const value = float(text);
      return Number.isNaN(value) && !/nan/i.test(text) ? undefined : new Float(value);
    }
    case "tag:yaml.org,2002:bool": {
      const lower = text.toLowerCase();
      return TRUES.has(lower) ? true : FALSES.has(lower) ? false : undefined;
    }
    case "tag:yaml.org,2002:python/unicode":
    case "tag:yaml.org,2002:python/str":
      return text;
    case "tag:yaml.org,2002:null":
      return null;
    default:
      return undefined;
  }
}

/** A float as PyYAML writes it: {@link pyFloatRepr} with a dot in the mantissa (`1.0e-05`) and `.inf`, `.nan`. */
export function yamlFloat(value: number): string {
  const text = pyFloatRepr(value);
  if (text === "nan") return ".nan";
  if (text.endsWith("inf")) return text.replace("inf", ".inf");
  return !text.includes(".") && text.includes("e") ? text.replace("e", ".0e") : text;
}
