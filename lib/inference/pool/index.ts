export { type PoolOptions, PredictionPool, QueueFullError } from "./prediction-pool";
