/**
 * How often CUDA graphs of this thread have begun, ended or been launched. A launch changes tensors without a new version, so what
 * is known of a tensor's value holds only as long as this number.
 */
export const graphWork = { count: 0 };
