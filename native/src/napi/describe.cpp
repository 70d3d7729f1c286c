#include "napi/describe.h"

#include <cctype>

namespace noether {

std::string dtype_name(at::ScalarType type) {
  switch (type) {
    case at::kByte:
      return "uint8";
    case at::kChar:
      return "int8";
    case at::kShort:
      return "int16";
    case at::kInt:
      return "int32";
    case at::kLong:
      return "int64";
    case at::kHalf:
      return "float16";
    case at::kFloat:
      return "float32";
    case at::kDouble:
      return "float64";
    case at::kComplexHalf:
      return "complex32";
    case at::kComplexFloat:
      return "complex64";
    case at::kComplexDouble:
      return "complex128";
    default: {
      std::string name = c10::toString(type);  // "Bool", "BFloat16", "Float8_e5m2", "UInt16"
      for (char& letter : name) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
      return name;
    }
  }
}

std::string describe(const at::Tensor& tensor) {
  std::string text = dtype_name(tensor.scalar_type()) + " (";
  for (int64_t i = 0; i < tensor.dim(); ++i) text += (i ? ", " : "") + std::to_string(tensor.size(i));
  text += ")";
  if (!tensor.device().is_cpu()) text += " " + tensor.device().str();
  return text;
}

}  // namespace noether
