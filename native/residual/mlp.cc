#include "residual/mlp.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "residual/fold.h"

namespace torchwright::residual {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Keeps its input only, and gives one gradient for both halves.
struct Swiglu : torch::autograd::Function<Swiglu> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate_up) {
    const int64_t size = gate_up.size(1) / 2;
    context->save_for_backward({gate_up});
    return at::silu(gate_up.narrow(1, 0, size)).mul_(gate_up.narrow(1, size, size));
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const at::Tensor gate_up = context->get_saved_variables()[0];
    const int64_t size = gate_up.size(1) / 2;
    const at::Tensor gate = gate_up.narrow(1, 0, size), up = gate_up.narrow(1, size, size);
    at::Tensor d = at::empty_like(gate_up);
    at::Tensor dgate = d.narrow(1, 0, size), dup = d.narrow(1, size, size);
    at::silu_out(dup, gate).mul_(grads[0]);
    at::silu_backward_out(dgate, grads[0] * up, gate);
    return {d};
  }
};

}  // namespace

Mlp::Mlp(const Config& config, const at::TensorOptions& options) {
  const auto linear = [&](const char* name, int64_t in, int64_t out) {
    return register_module(name, std::make_shared<Linear>(in, out, config.mlp_bias, config.initializer_range, options));
  };
  gate_proj_ = linear("gate_proj", config.hidden_size, config.intermediate_size);
  up_proj_ = linear("up_proj", config.hidden_size, config.intermediate_size);
  down_proj_ = linear("down_proj", config.intermediate_size, config.hidden_size);
}

MlpWeights Mlp::fold(const at::Tensor& gain, at::ScalarType dtype) const {
  return {
      .gate_up = (at::cat({gate_proj_->weight, up_proj_->weight}) * gain).to(dtype),
      .gate_up_bias = joined_bias(*gate_proj_, *up_proj_, dtype),
      .down = down_proj_->weight.to(dtype),
      .down_bias = converted(down_proj_->bias, dtype),
  };
}

at::Tensor swiglu(const at::Tensor& gate_up) { return Swiglu::apply(gate_up); }

}  // namespace torchwright::residual
