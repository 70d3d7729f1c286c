/** Names on both sides: TypeScript properties are camelCase, state-dict and option keys are PyTorch's snake_case. */

const snakeCase = new Map<string, string>();

/**
 * `attentionBlock` → `attention_block`, `fc1` → `fc1`, `outMLP` → `out_mlp`. Names that hold no capital letter, hence
 * every name that is already snake_case, stay as they are.
 */
export function toSnakeCase(name: string): string {
  let snake = snakeCase.get(name);
  if (snake === undefined) {
    snake = name
      .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
      .replace(/([A-Z])([A-Z][a-z])/g, "$1_$2")
      .toLowerCase();
    snakeCase.set(name, snake);
  }
  return snake;
}

/** `weight_decay` → `weightDecay`; an underscore before a digit stays (`conv_1`), so that the way back is exact. */
export function toCamelCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
