export { ConcatSparseTensorCollator } from "./concat-sparse-tensor";
export { DefaultCollator } from "./default";
export { FieldDecoderCollator } from "./field-decoder";
export { SparseTensorOffsetCollator } from "./sparse-tensor-offset";
