#include "dispatch/recorded_nodes.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <algorithm>
#include <utility>

#include "node_pointer.h"
#include "ops/dense.h"
#include "ops/gelu.h"
#include "small_blocks.h"

namespace noether::recorded {

namespace {

using torch::autograd::edge_list;
using torch::autograd::Node;
using torch::autograd::SavedVariable;
using torch::autograd::variable_list;

// Named like libtorch's nodes: the name is what people see in `gradFn`.
struct NamedNode : Node, InSmallBlock {
  explicit NamedNode(const char* name) : name_(name) {}
  std::string name() const override { return name_; }

 private:
  const char* name_;
};

template <typename... Inputs>
void attach(const at::Tensor& out, Node* node, const Inputs&... inputs) {
  const NodePointer pointer = held<Node>(node);
  pointer->set_next_edges(torch::autograd::collect_next_edges(inputs...));
  torch::autograd::set_history(out, pointer);
}

struct AddNode final : NamedNode {
  explicit AddNode(bool subtract) : NamedNode(subtract ? "SubBackward0" : "AddBackward0"), subtract(subtract) {}
  bool subtract;

  variable_list apply(variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    variable_list results(2);
    if (!gradient.defined()) return results;
    if (task_should_compute_output(0)) results[0] = gradient;
    if (task_should_compute_output(1)) results[1] = subtract ? gradient.neg() : gradient;
    return results;
  }
};

// Two saved inputs, of which each is needed for the other's gradient only.
struct ProductNode : NamedNode {
  ProductNode(const char* name, const at::Tensor& a, const at::Tensor& b) : NamedNode(name) {
    if (b.requires_grad()) a_ = SavedVariable(a, /*is_output=*/false);
    if (a.requires_grad()) b_ = SavedVariable(b, /*is_output=*/false);
  }
  void release_variables() override {
    a_.reset_data();
    b_.reset_data();
  }

 protected:
  at::Tensor a() const { return a_.unpack(); }
  at::Tensor b() const { return b_.unpack(); }

 private:
  SavedVariable a_, b_;
};

struct MulNode final : ProductNode {
  MulNode(const at::Tensor& a, const at::Tensor& b) : ProductNode("MulBackward0", a, b) {}

  variable_list apply(variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    variable_list results(2);
    if (!gradient.defined()) return results;
    if (task_should_compute_output(0)) results[0] = gradient * b();
    if (task_should_compute_output(1)) results[1] = gradient * a();
    return results;
  }
};

struct MmNode final : ProductNode {
  MmNode(const at::Tensor& a, const at::Tensor& b) : ProductNode("MmBackward0", a, b) {}

  variable_list apply(variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    variable_list results(2);
    if (!gradient.defined()) return results;
    if (task_should_compute_output(0)) results[0] = gradient.mm(b().t());
    if (task_should_compute_output(1)) results[1] = a().t().mm(gradient);
    return results;
  }
};

struct LinearNode final : ProductNode {
  LinearNode(const at::Tensor& input, const at::Tensor& weight) : ProductNode("AddmmBackward0", input, weight) {}

  variable_list apply(variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    variable_list results(3);
    if (!gradient.defined()) return results;
    if (task_should_compute_output(0)) results[0] = gradient.mm(b());
    if (task_should_compute_output(1)) results[1] = gradient.t().mm(a());
    if (task_should_compute_output(2)) results[2] = gradient.sum(0);
    return results;
  }
};

struct SumNode final : NamedNode {
  SumNode(const at::Tensor& self, at::IntArrayRef dims, bool keepdim)
      : NamedNode(dims.empty() ? "SumBackward0" : "SumBackward1"), sizes(self.sizes().vec()) {
    // Where the gradient lacks dimensions, they come back in ascending order.
    if (keepdim || dims.empty()) return;
    for (const int64_t dim : dims) missing.push_back(dim < 0 ? dim + self.dim() : dim);
    std::sort(missing.begin(), missing.end());
  }
  std::vector<int64_t> sizes;
  c10::SmallVector<int64_t, 4> missing;

  variable_list apply(variable_list&& gradients) override {
    at::Tensor gradient = gradients[0];
    if (!gradient.defined()) return variable_list(1);
    for (const int64_t dim : missing) gradient = gradient.unsqueeze(dim);
    return {gradient.expand(sizes)};
  }
};

struct ReshapeNode final : NamedNode {
  explicit ReshapeNode(const at::Tensor& self) : NamedNode("ViewBackward0"), sizes(self.sizes().vec()) {}
  std::vector<int64_t> sizes;

  variable_list apply(variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    if (!gradient.defined()) return variable_list(1);
    return {gradient.reshape(sizes)};
  }
};

struct TransposeNode final : NamedNode {
  TransposeNode(int64_t dim0, int64_t dim1) : NamedNode("TransposeBackward0"), dim0(dim0), dim1(dim1) {}
  int64_t dim0, dim1;

  variable_list apply(variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    if (!gradient.defined()) return variable_list(1);
    return {gradient.transpose(dim0, dim1)};
  }
};

struct SliceNode final : NamedNode {
  SliceNode(const at::Tensor& self, int64_t dim, int64_t start, int64_t end, int64_t step)
      : NamedNode("SliceBackward0"), sizes(self.sizes().vec()), dim(dim), start(start), end(end), step(step) {}
  std::vector<int64_t> sizes;
  int64_t dim, start, end, step;

  variable_list apply(variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    if (!gradient.defined()) return variable_list(1);
    return {at::slice_backward(gradient, sizes, dim, start, end, step)};
  }
};

struct CatNode final : NamedNode {
  CatNode(at::TensorList tensors, int64_t dim) : NamedNode("CatBackward0"), dim(dim) {
    for (const at::Tensor& tensor : tensors) lengths.push_back(tensor.size(dim));
  }
  int64_t dim;
  c10::SmallVector<int64_t, 4> lengths;

  variable_list apply(variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    variable_list results(lengths.size());
    if (!gradient.defined()) return results;
    int64_t start = 0;
    for (size_t i = 0; i < lengths.size(); start += lengths[i++]) {
      if (task_should_compute_output(i)) results[i] = gradient.narrow(dim, start, lengths[i]);
    }
    return results;
  }
};

struct SoftmaxNode final : NamedNode {
  explicit SoftmaxNode(int64_t dim) : NamedNode("SoftmaxBackward0"), dim(dim) {}
  int64_t dim;
  SavedVariable result;  // set once the result has its history

  variable_list apply(variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    if (!gradient.defined()) return variable_list(1);
    const at::Tensor output = result.unpack(getptr());
    return {at::_softmax_backward_data(gradient, output, dim, output.scalar_type())};
  }
  void release_variables() override { result.reset_data(); }
};

struct IndexSelectNode final : NamedNode {
  IndexSelectNode(const at::Tensor& self, int64_t dim, const at::Tensor& index)
      : NamedNode("IndexSelectBackward0"), sizes(self.sizes().vec()), dim(dim), index(index, /*is_output=*/false) {}
  std::vector<int64_t> sizes;
  int64_t dim;
  SavedVariable index;

  variable_list apply(variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    if (!gradient.defined()) return variable_list(1);
    return {at::index_select_backward(gradient, sizes, dim, index.unpack())};
  }
  void release_variables() override { index.reset_data(); }
};

struct GeluNode final : NamedNode {
  explicit GeluNode(const at::Tensor& self) : NamedNode("GeluBackward0"), self(self, /*is_output=*/false) {}
  SavedVariable self;

  variable_list apply(variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    if (!gradient.defined()) return variable_list(1);
    const at::Tensor x = self.unpack();
    // For gradients of gradients, and those of a transform: the operator that has rules for them.
    if (at::GradMode::is_enabled() || !is_plain(gradient)) return {at::gelu_backward(gradient, x)};
    return {gelu_backward_rows(gradient, x)};
  }
  void release_variables() override { self.reset_data(); }
};

struct LayerNormNode final : NamedNode {
  LayerNormNode(const at::Tensor& input, at::IntArrayRef shape, const at::Tensor& weight, const at::Tensor& bias,
                const at::Tensor& mean, const at::Tensor& rstd)
      : NamedNode("NativeLayerNormBackward0"),
        shape(shape.vec()),
        input(input, /*is_output=*/false),
        weight(weight, /*is_output=*/false),
        bias(bias, /*is_output=*/false),
        mean(mean, /*is_output=*/false),
        rstd(rstd, /*is_output=*/false) {}
  std::vector<int64_t> shape;
  SavedVariable input, weight, bias, mean, rstd;

  variable_list apply(variable_list&& gradients) override {
    const at::Tensor& gradient = gradients[0];
    if (!gradient.defined()) return variable_list(3);
    const at::Tensor scale = weight.unpack();
    const at::Tensor shift = bias.unpack();
    const std::array<bool, 3> wanted = {task_should_compute_output(0), scale.defined() && task_should_compute_output(1),
                                        shift.defined() && task_should_compute_output(2)};
    auto [d_input, d_weight, d_bias] = at::native_layer_norm_backward(gradient, input.unpack(), shape, mean.unpack(),
                                                                      rstd.unpack(), scale, shift, wanted);
    return {d_input, d_weight, d_bias};
  }
  void release_variables() override {
    for (SavedVariable* saved : {&input, &weight, &bias, &mean, &rstd}) saved->reset_data();
  }
};

}  // namespace

void add(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b, bool subtract) {
  attach(out, new AddNode(subtract), a, b);
}

void mul(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b) {
  attach(out, new MulNode(a, b), a, b);
}

void mm(const at::Tensor& out, const at::Tensor& a, const at::Tensor& b) {
  attach(out, new MmNode(a, b), a, b);
}

void linear(const at::Tensor& out, const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias) {
  attach(out, new LinearNode(input, weight), input, weight, bias);
}

void sum(const at::Tensor& out, const at::Tensor& self, at::IntArrayRef dims, bool keepdim) {
  attach(out, new SumNode(self, dims, keepdim), self);
}

void reshape(const at::Tensor& out, const at::Tensor& self) {
  attach(out, new ReshapeNode(self), self);
}

void transpose(const at::Tensor& out, const at::Tensor& self, int64_t dim0, int64_t dim1) {
  attach(out, new TransposeNode(dim0, dim1), self);
}

void slice(const at::Tensor& out, const at::Tensor& self, int64_t dim, int64_t start, int64_t end, int64_t step) {
  attach(out, new SliceNode(self, dim, start, end, step), self);
}

void cat(const at::Tensor& out, at::TensorList tensors, int64_t dim) {
  const NodePointer node = held<Node>(new CatNode(tensors, dim < 0 ? dim + out.dim() : dim));
  edge_list edges;
  edges.reserve(tensors.size());
  for (const at::Tensor& tensor : tensors) edges.push_back(torch::autograd::impl::gradient_edge(tensor));
  node->set_next_edges(std::move(edges));
  torch::autograd::set_history(out, node);
}

void gelu(const at::Tensor& out, const at::Tensor& self) {
  attach(out, new GeluNode(self), self);
}

void softmax(const at::Tensor& out, const at::Tensor& self, int64_t dim) {
  auto* node = new SoftmaxNode(dim);
  attach(out, node, self);
  node->result = SavedVariable(out, /*is_output=*/true);
}

void index_select(const at::Tensor& out, const at::Tensor& self, int64_t dim, const at::Tensor& index) {
  attach(out, new IndexSelectNode(self, dim, index), self);
}

void layer_norm(const at::Tensor& out, const at::Tensor& input, at::IntArrayRef shape, const at::Tensor& weight,
                const at::Tensor& bias, const at::Tensor& mean, const at::Tensor& rstd) {
  attach(out, new LayerNormNode(input, shape, weight, bias, mean, rstd), input, weight, bias);
}

}  // namespace noether::recorded
