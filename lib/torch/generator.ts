/** Random number generators. */
import { native } from "./addon";
import { checkArgument, refuseSurplus, seed as seedKind, tensor as tensorKind, text } from "./arguments";
import { DEEPCOPY } from "./deepcopy";
import type { Device } from "./dtype";
import { guard } from "./errors";
import { wrap } from "./scope";
import type { Tensor } from "./tensor";
import { forJson, unclonable } from "./unclonable";

const net = new FinalizationRegistry<number>((id) => native.freeGenerator(id));

const ADVICE = unclonable(
  () => "a generator is not plain data: getState() gives its state as a tensor, which setState() of another one takes",
);

/**
 * A stream of random numbers of its own, independent of the default generator.
 *
 * @example
 * const generator = new Generator().manualSeed(0);
 * rand([3], { generator });
 */
export class Generator {
  /** @internal Id on the native side; 0 is the default CPU generator. */
  readonly id: number;
  /** Where the numbers are drawn. */
  readonly device: Device;

  /** @internal What `structuredClone`, `postMessage` and JSON refuse, with their reason. */
  readonly unclonable = ADVICE;

  /** @param device where the numbers are drawn, `"cpu"` by default. */
  constructor(device: Device = "cpu", ...surplus: never[]) {
    checkArgument("Generator", "device", device, text);
    refuseSurplus("Generator", surplus);
    this.device = device;
    this.id = guard("Generator", () => native.generator(device));
    net.register(this, this.id);
  }

  /** Starts the stream that belongs to the seed; returns the generator. */
  manualSeed(seed: number | bigint, ...surplus: never[]): this {
    checkArgument("Generator.manualSeed", "seed", seed, seedKind);
    refuseSurplus("Generator.manualSeed", surplus);
    guard("Generator.manualSeed", () => native.generatorSeed(this.id, seed));
    return this;
  }

  /** The seed that the stream was started with. */
  initialSeed(): bigint {
    return native.generatorInitialSeed(this.id);
  }

  /** @internal A generator that goes on where this one does. */
  [DEEPCOPY](): Generator {
    const copy = new Generator(this.device);
    const state = this.getState();
    copy.setState(state);
    state.dispose();
    return copy;
  }

  /** As `toJSON` of tensors: refused, but for a replacer and for printers. */
  toJSON(key?: string): this | string {
    return forJson(this, key, () => `Generator(${this.device})`);
  }

  /** The state as a uint8 tensor, in PyTorch's layout. */
  getState(): Tensor {
    return wrap(native.generatorState(this.id));
  }

  /** Takes up a state of {@link getState} (also one that Python wrote). */
  setState(state: Tensor): void {
    checkArgument("Generator.setState", "state", state, tensorKind);
    guard("Generator.setState", () => native.setGeneratorState(this.id, state.handle));
  }
}

/** @internal Id of a generator argument; `undefined` and `null` pass through as the default generator. */
export function generatorId(generator: Generator | null | undefined): number | undefined {
  if (generator === undefined || generator === null) return undefined;
  if (!(generator instanceof Generator)) throw new TypeError(`expected a Generator, got ${typeof generator}`);
  return generator.id;
}

/** Seeds the default generators (CPU, and every CUDA device). */
export function manualSeed(seed: number | bigint, ...surplus: never[]): void {
  checkArgument("manualSeed", "seed", seed, seedKind);
  refuseSurplus("manualSeed", surplus);
  guard("manualSeed", () => native.manualSeed(seed));
}

/** The seed of the default CPU generator. */
export function initialSeed(): bigint {
  return native.initialSeed();
}

/** State of the default CPU generator as a uint8 tensor, in PyTorch's layout. */
export function getRngState(): Tensor {
  return wrap(native.generatorState(0));
}

/** Takes up a state of {@link getRngState} (also one that Python wrote). */
export function setRngState(state: Tensor): void {
  checkArgument("setRngState", "state", state, tensorKind);
  guard("setRngState", () => native.setGeneratorState(0, state.handle));
}
