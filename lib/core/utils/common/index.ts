export { Bidict } from "./bidict";
export {
  arrayToString,
  dictToString,
  floatToScientificNotation,
  formatValue,
  secondsToDurationStr,
  shortNumberStr,
  summarizeIndicesList,
} from "./formatters";
export { lowerTypeName, pascalToSnake, registerTypeName, snakeTypeName, typeName } from "./naming";
export { expandUser, selectWithPath, validatePath, type ValidatePathOptions } from "./path";
export { pyFloatRepr, pyNumber, toExponentialPython, toFixedHalfEven, toGeneralPython } from "./python-format";
export { type Clock, Stopwatch } from "./stopwatch";
