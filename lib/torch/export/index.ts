/** Programs of `torch.export`: models of Python as graphs of ATen's operators. */
export { ExportedModule } from "./exported-module";
export { load, loadAsync, type LoadProgramOptions } from "./load";
