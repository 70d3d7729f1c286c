import { Tensor } from "../../torch";
import { AssertionError } from "../../config/python-errors";
import type { Batch, DeviceBatch } from "../interfaces/data";

/**
 * Moves a batch to a device: tensors and null stay under their key, a list of one is unwrapped. Entries that start with
 * `__meta` are left out.
 *
 * @throws AssertionError for a list that does not hold exactly one entry, and for values that are not tensors.
 */
export function moveItemsToDevice(device: string, batch: Batch): DeviceBatch {
  const moved: DeviceBatch = {};
  for (const [key, item] of Object.entries(batch)) {
    if (key.startsWith("__meta")) continue;
    if (Array.isArray(item) && item.length !== 1) {
      throw new AssertionError(
        `batch entry '${key}': expected a tensor or a list of one, but got a list of ${item.length}`,
      );
    }
    const value: unknown = Array.isArray(item) ? item[0] : item;
    if (value === null || value === undefined) {
      moved[key] = null;
    } else if (value instanceof Tensor) {
      moved[key] = value.device === device ? value : moveTensor(value, device);
    } else {
      throw new AssertionError(
        `batch entry '${key}': expected a tensor, null or a list of one tensor, but got ${typeof value}; let the dataset's pipeline collate it to a tensor`,
      );
    }
  }
  return moved;
}

/** To a CUDA device from page-locked memory, so that the host does not wait for the copy. */
function moveTensor(tensor: Tensor, device: string): Tensor {
  if (!device.startsWith("cuda")) return tensor.to({ device });
  const source = tensor.device !== "cpu" || tensor.isPinned() ? tensor : tensor.pinMemory();
  return source.to({ device, nonBlocking: true });
}
