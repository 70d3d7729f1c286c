/** Packages of AOTInductor: models of Python as machine code. */
export { aotiLoadPackage, aotiLoadPackageAsync, CompiledModel, type AotiLoadOptions } from "./package";
