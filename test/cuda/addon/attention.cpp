#include "attention.h"

#include <ATen/ATen.h>

#include <cmath>

namespace fake {
namespace {

using at::Tensor;
using torch::jit::Stack;

class Arguments {
 public:
  Arguments(const c10::FunctionSchema& schema, const Stack& values) : schema_(schema), values_(values) {}

  c10::IValue operator[](const std::string& name) const {
    const auto index = schema_.argumentIndexWithName(name);
    return index ? values_[*index] : c10::IValue();
  }
  // In float32 at least.
  Tensor tensor(const std::string& name) const {
    const c10::IValue value = (*this)[name];
    if (!value.isTensor() || !value.toTensor().defined()) return Tensor();
    const Tensor tensor = value.toTensor();
    return tensor.scalar_type() == at::kDouble || tensor.scalar_type() == at::kBool ? tensor : tensor.to(at::kFloat);
  }

 private:
  const c10::FunctionSchema& schema_;
  const Stack& values_;
};

double scale_of(const Arguments& arguments, const Tensor& query) {
  const c10::IValue scale = arguments["scale"];
  return scale.isNone() ? 1 / std::sqrt(static_cast<double>(query.size(-1))) : scale.toDouble();
}

// softmax(scale q kᵀ + bias), (B, H, N, M)
Tensor probabilities(const Arguments& arguments, const Tensor& query, const Tensor& key) {
  TORCH_CHECK(arguments["dropout_p"].toDouble() == 0, "dropout in attention");
  Tensor scores = query.matmul(key.transpose(-2, -1)) * scale_of(arguments, query);
  if (const Tensor bias = arguments.tensor("attn_bias"); bias.defined()) scores = scores + bias;
  if (arguments["is_causal"].toBool())
    scores = scores.masked_fill(at::ones(scores.sizes().slice(2), at::kBool).triu(1), -INFINITY);
  return scores.softmax(-1);
}

Stack padded(std::vector<Tensor> tensors, at::ScalarType dtype, size_t returns) {
  Stack results;
  for (const Tensor& tensor : tensors) results.push_back(tensor.to(dtype));
  results.resize(returns);
  return results;
}

}  // namespace

std::optional<Stack> attention_values(const c10::FunctionSchema& schema, const Stack& inputs) {
  const std::string& name = schema.name();
  const bool forward = name == "aten::_scaled_dot_product_flash_attention" ||
                       name == "aten::_scaled_dot_product_efficient_attention";
  const bool backward = name == "aten::_scaled_dot_product_flash_attention_backward" ||
                        name == "aten::_scaled_dot_product_efficient_attention_backward";
  if (!forward && !backward) return std::nullopt;

  const Arguments arguments(schema, inputs);
  const Tensor query = arguments.tensor("query"), key = arguments.tensor("key"), value = arguments.tensor("value");
  const at::ScalarType dtype = arguments["query"].toTensor().scalar_type();
  const Tensor p = probabilities(arguments, query, key);
  if (forward) return padded({p.matmul(value)}, dtype, schema.returns().size());

  const Tensor grad = arguments.tensor(arguments["grad_out"].isNone() ? "grad_out_" : "grad_out");
  const Tensor grad_p = grad.matmul(value.transpose(-2, -1));
  const Tensor grad_scores = p * (grad_p - (grad_p * p).sum(-1, true)) * scale_of(arguments, query);
  return padded({grad_scores.matmul(key), grad_scores.transpose(-2, -1).matmul(query), p.transpose(-2, -1).matmul(grad)},
                dtype, schema.returns().size());
}

}  // namespace fake
