/** From the `kind` of a config to a class and its objects. */
export { Factory, type Dependencies } from "./factory";
export { isUserKind, loadKind, loadUserKinds, provideModules, userKindsIn } from "./load-kind";
