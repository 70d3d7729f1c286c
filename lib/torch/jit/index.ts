/** TorchScript: modules that `torch.jit.save` of Python wrote, with their code, run by libtorch. */
export { load, loadAsync, type LoadScriptOptions } from "./load";
export { ScriptModule } from "./script-module";
export type { ScriptInput, ScriptResult } from "./values";
