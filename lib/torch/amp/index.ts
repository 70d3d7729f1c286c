/** Mixed precision: `torch.amp`. */
export { autocast, type AutocastOptions } from "./autocast";
export { GradScaler, type GradScalerLike, type GradScalerOptions, NoopGradScaler } from "./grad-scaler";
