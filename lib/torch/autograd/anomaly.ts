/** Anomaly mode: where in the program the function was called whose backward fails or gives NaN. */
import { native } from "../addon";
import { checkArgument, checkOptions, flag, type KindsOf } from "../arguments";
import type { Mode } from "../async-context";
import { runInMode } from "../run-in-mode";
import { camelCase } from "../schema";

/** Options of {@link detectAnomaly} and {@link setDetectAnomaly}. */
export interface AnomalyOptions {
  /** Looks for NaN in every gradient. Default: true; without, only failures are explained. */
  readonly checkNan?: boolean;
}

const OPTIONS = { checkNan: flag } satisfies KindsOf<AnomalyOptions>;

interface State {
  readonly enabled: boolean;
  readonly checkNan: boolean;
}

let state: State = { enabled: false, checkNan: true };

function set(next: State): void {
  state = next;
  native.setAnomaly(next.enabled ? stackOf : null, next.checkNan);
}

/** This library's own frames are of no use to who reads the trace. */
const OWN = __dirname.replace(/([\\/])torch[\\/]autograd$/, "$1torch$1");

/** The JavaScript stack, as text: the call of the operator, then the lines of the program, innermost first. */
function stackOf(operation: string): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 60;
  const { stack = "" } = new Error();
  Error.stackTraceLimit = limit;
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  const outside = frames.filter((line) => !line.includes(OWN) && !line.includes("node:internal"));
  const name = camelCase(operation.replace(/^\w+::/, ""));
  return [`    ${name}(…)`, ...outside.slice(0, 20)].join("\n");
}

/**
 * Runs `body`, a forward and its backward pass, while every operation remembers where it was called. A backward pass that fails, or
 * gives NaN, ends in an error that names this line. Slow: for looking for a fault. It is of this thread.
 *
 * @param body synchronous, or declared `async`
 * @example
 * autograd.detectAnomaly(() => loss(model.forward(x), y).backward());
 */
export function detectAnomaly<T>(body: () => T, options: AnomalyOptions = {}, ...surplus: never[]): T {
  checkOptions("detectAnomaly", options, OPTIONS, surplus);
  const outer: State[] = [];
  const mode: Mode = {
    enter() {
      outer.push(state);
      set({ enabled: true, checkNan: options.checkNan ?? true });
    },
    exit() {
      set(outer.pop()!);
    },
  };
  return runInMode("detectAnomaly", mode, body, []);
}

/** Switches anomaly mode (see {@link detectAnomaly}) on or off for this thread. */
export function setDetectAnomaly(mode: boolean, options: AnomalyOptions = {}, ...surplus: never[]): void {
  checkArgument("setDetectAnomaly", "mode", mode, flag);
  checkOptions("setDetectAnomaly", options, OPTIONS, surplus);
  set({ enabled: mode, checkNan: options.checkNan ?? true });
}

/** True while anomaly mode is on. */
export function isAnomalyEnabled(): boolean {
  return state.enabled;
}

/** True while anomaly mode is on and looks for NaN. */
export function isAnomalyCheckNanEnabled(): boolean {
  return state.enabled && state.checkNan;
}
