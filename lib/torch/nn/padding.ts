/** Padding of the last 1, 2 or 3 dimensions: (N, C, …) or (C, …). One number pads all sides; else [before, after] of the last dimension, then of the one ahead, … */
import { arrayOf, checkArgument, either, integer, real, refuseSurplus } from "../arguments";
import { TorchError } from "../errors";
import type { Tensor } from "../tensor";
import { pad, type PadMode } from "./functional/pad";
import { Module } from "./module";
import { pythonRepr } from "./repr";

/** The padding of all sides, or of each. Negative numbers cut off. */
export type PaddingSides = number | readonly number[];

/** What all pads have in common. */
abstract class Pad extends Module {
  readonly padding: readonly number[];

  constructor(dims: number, padding: PaddingSides) {
    super();
    const name = this.constructor.name;
    checkArgument(name, "padding", padding, either(integer, arrayOf(integer)));
    this.padding = typeof padding === "number" ? Array<number>(2 * dims).fill(padding) : padding;
    if (this.padding.length !== 2 * dims)
      throw new TorchError(`${name}: expected one number or ${2 * dims} for padding, got ${pythonRepr(padding)}`);
  }

  protected abstract readonly mode: PadMode;
  protected get fill(): number | undefined {
    return undefined;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus(`${this.constructor.name}.forward`, surplus);
    return pad(input, this.padding, this.mode, this.fill);
  }

  protected override extraRepr(): string {
    return pythonRepr(this.padding);
  }
}

abstract class ConstantPad extends Pad {
  readonly value: number;

  constructor(dims: number, padding: PaddingSides, value: number, surplus: readonly unknown[]) {
    super(dims, padding);
    checkArgument(this.constructor.name, "value", value, real);
    refuseSurplus(this.constructor.name, surplus);
    this.value = value;
  }

  protected get mode(): PadMode {
    return "constant";
  }
  protected override get fill(): number {
    return this.value;
  }

  protected override extraRepr(): string {
    return `padding=${pythonRepr(this.padding)}, value=${pythonRepr(this.value)}`;
  }
}

/** Pads 1 dimension with a value. */
export class ConstantPad1d extends ConstantPad {
  constructor(padding: PaddingSides, value: number, ...surplus: never[]) {
    super(1, padding, value, surplus);
  }
}

/** Pads 2 dimensions with a value. */
export class ConstantPad2d extends ConstantPad {
  constructor(padding: PaddingSides, value: number, ...surplus: never[]) {
    super(2, padding, value, surplus);
  }
}

/** Pads 3 dimensions with a value. */
export class ConstantPad3d extends ConstantPad {
  constructor(padding: PaddingSides, value: number, ...surplus: never[]) {
    super(3, padding, value, surplus);
  }
}

/** Pads 1 dimension with zeros. */
export class ZeroPad1d extends ConstantPad {
  constructor(padding: PaddingSides, ...surplus: never[]) {
    super(1, padding, 0, surplus);
  }

  protected override extraRepr(): string {
    return pythonRepr(this.padding);
  }
}

/** Pads 2 dimensions with zeros. */
export class ZeroPad2d extends ConstantPad {
  constructor(padding: PaddingSides, ...surplus: never[]) {
    super(2, padding, 0, surplus);
  }

  protected override extraRepr(): string {
    return pythonRepr(this.padding);
  }
}

/** Pads 3 dimensions with zeros. */
export class ZeroPad3d extends ConstantPad {
  constructor(padding: PaddingSides, ...surplus: never[]) {
    super(3, padding, 0, surplus);
  }

  protected override extraRepr(): string {
    return pythonRepr(this.padding);
  }
}

/** Pads 1 dimension with a reflection about the border entries. */
export class ReflectionPad1d extends Pad {
  constructor(padding: PaddingSides, ...surplus: never[]) {
    super(1, padding);
    refuseSurplus("ReflectionPad1d", surplus);
  }
  protected get mode(): PadMode {
    return "reflect";
  }
}

/** Pads 2 dimensions with a reflection about the border entries. */
export class ReflectionPad2d extends Pad {
  constructor(padding: PaddingSides, ...surplus: never[]) {
    super(2, padding);
    refuseSurplus("ReflectionPad2d", surplus);
  }
  protected get mode(): PadMode {
    return "reflect";
  }
}

/** Pads 3 dimensions with a reflection about the border entries. */
export class ReflectionPad3d extends Pad {
  constructor(padding: PaddingSides, ...surplus: never[]) {
    super(3, padding);
    refuseSurplus("ReflectionPad3d", surplus);
  }
  protected get mode(): PadMode {
    return "reflect";
  }
}

/** Pads 1 dimension with copies of the border entries. */
export class ReplicationPad1d extends Pad {
  constructor(padding: PaddingSides, ...surplus: never[]) {
    super(1, padding);
    refuseSurplus("ReplicationPad1d", surplus);
  }
  protected get mode(): PadMode {
    return "replicate";
  }
}

/** Pads 2 dimensions with copies of the border entries. */
export class ReplicationPad2d extends Pad {
  constructor(padding: PaddingSides, ...surplus: never[]) {
    super(2, padding);
    refuseSurplus("ReplicationPad2d", surplus);
  }
  protected get mode(): PadMode {
    return "replicate";
  }
}

/** Pads 3 dimensions with copies of the border entries. */
export class ReplicationPad3d extends Pad {
  constructor(padding: PaddingSides, ...surplus: never[]) {
    super(3, padding);
    refuseSurplus("ReplicationPad3d", surplus);
  }
  protected get mode(): PadMode {
    return "replicate";
  }
}

/** Pads 1 dimension with the entries of the other side. */
export class CircularPad1d extends Pad {
  constructor(padding: PaddingSides, ...surplus: never[]) {
    super(1, padding);
    refuseSurplus("CircularPad1d", surplus);
  }
  protected get mode(): PadMode {
    return "circular";
  }
}

/** Pads 2 dimensions with the entries of the other side. */
export class CircularPad2d extends Pad {
  constructor(padding: PaddingSides, ...surplus: never[]) {
    super(2, padding);
    refuseSurplus("CircularPad2d", surplus);
  }
  protected get mode(): PadMode {
    return "circular";
  }
}

/** Pads 3 dimensions with the entries of the other side. */
export class CircularPad3d extends Pad {
  constructor(padding: PaddingSides, ...surplus: never[]) {
    super(3, padding);
    refuseSurplus("CircularPad3d", surplus);
  }
  protected get mode(): PadMode {
    return "circular";
  }
}
