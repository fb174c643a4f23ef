#include "residual/linear.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "nn/kernels/packed_gemm.h"

namespace torchwright::residual {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

bool own(const at::Tensor& x) {
  return x.device().is_cpu() && x.scalar_type() == at::kFloat && x.size(0) > 1 && packed_gemm_supported();
}

// c (+)= a b
void multiply(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b, bool add) {
  packed_gemm({.rows = a.size(0),
               .columns = b.size(1),
               .depth = a.size(1),
               .a = a.const_data_ptr<float>(),
               .a_row = a.stride(0),
               .a_depth = a.stride(1),
               .b = b.const_data_ptr<float>(),
               .b_depth = b.stride(0),
               .b_column = b.stride(1),
               .c = c.mutable_data_ptr<float>(),
               .c_row = c.stride(0),
               .add = add});
}

// base + x W^T, or x W^T where there is no base.
struct Product : torch::autograd::Function<Product> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& base) {
    at::Tensor out =
        base ? base->clone(at::MemoryFormat::Contiguous) : at::empty({x.size(0), weight.size(0)}, x.options());
    multiply(out, x, weight.t(), base.has_value());
    context->save_for_backward({x, weight});
    context->saved_data["base"] = base.has_value();
    return out;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &dout = grads[0];
    at::Tensor dx, dweight, dbase;
    if (context->needs_input_grad(0)) {
      dx = at::empty(x.sizes(), x.options());
      multiply(dx, dout, weight, false);
    }
    // A transposed left side would have to be copied; the library does as well.
    if (context->needs_input_grad(1)) dweight = at::mm(dout.t(), x);
    if (context->saved_data["base"].toBool()) dbase = dout;
    return {dx, dweight, dbase};
  }
};

at::Tensor with_bias(const at::Tensor& product, const at::Tensor& bias) {
  return bias.defined() ? product + bias : product;
}

}  // namespace

at::Tensor plain_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (!own(x)) return at::linear(x, weight, bias);
  return with_bias(Product::apply(x, weight, std::optional<at::Tensor>()), bias);
}

at::Tensor add_linear(const at::Tensor& base, const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (base.scalar_type() != x.scalar_type())
    return base + (bias.defined() ? at::linear(x, weight, bias) : at::mm(x, weight.t()));
  return with_bias(own(x) ? Product::apply(x, weight, std::optional(base)) : at::addmm(base, x, weight.t()), bias);
}

Linear::Linear(int64_t in, int64_t out, bool with_bias, double range, const at::TensorOptions& options)
    : weight(register_parameter("weight", at::empty({out, in}, options).normal_(0, range))) {
  if (with_bias) bias = register_parameter("bias", at::zeros({out}, options));
}

Embedding::Embedding(int64_t count, int64_t size, double range, const at::TensorOptions& options)
    : weight(register_parameter("weight", at::empty({count, size}, options).normal_(0, range))) {}

}  // namespace torchwright::residual
