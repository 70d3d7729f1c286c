/** Resizing of the spatial dimensions, as modules. */
import { checkOptions, refuseSurplus } from "../arguments";
import type { Tensor } from "../tensor";
import { interpolate, INTERPOLATE, type InterpolateOptions } from "./functional/interpolate";
import { Module } from "./module";
import { floatRepr, pythonRepr } from "./repr";

/** {@link interpolate} with fixed options: (N, C, …spatial) → (N, C, …size). */
export class Upsample extends Module {
  readonly size: number | readonly number[] | null;
  readonly scaleFactor: number | readonly number[] | null;
  readonly mode: NonNullable<InterpolateOptions["mode"]>;
  readonly alignCorners: boolean | null;
  readonly recomputeScaleFactor: boolean | null;

  constructor(options: Omit<InterpolateOptions, "antialias"> = {}, ...surplus: never[]) {
    super();
    const { antialias: _, ...kinds } = INTERPOLATE;
    checkOptions(this.constructor.name, options, kinds, surplus);
    this.size = options.size ?? null;
    this.scaleFactor = options.scaleFactor ?? null;
    this.mode = options.mode ?? "nearest";
    this.alignCorners = options.alignCorners ?? null;
    this.recomputeScaleFactor = options.recomputeScaleFactor ?? null;
  }

  forward(input: Tensor, ...surplus: never[]): Tensor {
    refuseSurplus(`${this.constructor.name}.forward`, surplus);
    const { size, scaleFactor, mode, alignCorners, recomputeScaleFactor } = this;
    return interpolate(input, { size, scaleFactor, mode, alignCorners, recomputeScaleFactor });
  }

  protected override extraRepr(): string {
    const factor = (value: number | readonly number[]): string =>
      typeof value === "number"
        ? floatRepr(value)
        : `(${value.map(floatRepr).join(", ")}${value.length === 1 ? "," : ""})`;
    const size =
      this.scaleFactor === null ? `size=${pythonRepr(this.size)}` : `scale_factor=${factor(this.scaleFactor)}`;
    return `${size}, mode=${pythonRepr(this.mode)}`;
  }
}

/** {@link Upsample} of images by the nearest entries. */
export class UpsamplingNearest2d extends Upsample {
  constructor(options: Pick<InterpolateOptions, "size" | "scaleFactor"> = {}, ...surplus: never[]) {
    const { size, scaleFactor } = INTERPOLATE;
    checkOptions("UpsamplingNearest2d", options, { size, scaleFactor }, surplus);
    super({ ...options, mode: "nearest" });
  }
}

/** {@link Upsample} of images, bilinear, corners staying where they are. */
export class UpsamplingBilinear2d extends Upsample {
  constructor(options: Pick<InterpolateOptions, "size" | "scaleFactor"> = {}, ...surplus: never[]) {
    const { size, scaleFactor } = INTERPOLATE;
    checkOptions("UpsamplingBilinear2d", options, { size, scaleFactor }, surplus);
    super({ ...options, mode: "bilinear", alignCorners: true });
  }
}
