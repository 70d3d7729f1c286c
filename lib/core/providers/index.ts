export { MetricPropertyProvider, Ordinality } from "./metric-property";
export { PathProvider, type PathProviderOptions } from "./path";
export { expandUser, selectWithPath, validatePath, type ValidatePathOptions } from "./select-path";
