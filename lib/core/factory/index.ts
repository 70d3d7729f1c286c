/** From the `kind` of a config to a class, its schema and its objects. */
export { Factory, type Dependencies } from "./factory";
export { isUserKind, loadKind, loadUserKinds, provideModules, userKindsIn } from "./load-kind";
export {
  findKind,
  lookupKind,
  register,
  registeredKinds,
  type KindClass,
  type KindEntry,
  type Registration,
} from "./registry";
