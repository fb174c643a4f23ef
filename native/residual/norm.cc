#include "residual/norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "residual/precision.h"
#include "runtime/errors.h"

namespace torchwright::residual {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// d/dx of x^ = r x, r = 1 / rms(x):  dx = r (dy - x^ mean(dy x^)).
struct UnitRms : torch::autograd::Function<UnitRms> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, double eps, at::ScalarType dtype) {
    const at::Tensor wide = x.to(accumulation_type(x.scalar_type()));
    const double size = static_cast<double>(x.size(-1));
    const at::Tensor norm = at::linalg_vector_norm(wide, 2, -1, /*keepdim=*/true);
    const at::Tensor scale = norm.square_().div_(size).add_(eps).rsqrt_();
    at::Tensor unit = at::empty(x.sizes(), x.options().dtype(dtype));
    at::mul_out(unit, wide, scale);
    context->save_for_backward({unit, scale});
    context->saved_data["dtype"] = static_cast<int64_t>(x.scalar_type());
    return unit;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    // Every gradient of the decoder passes here. Its backward passes are written by hand and cannot be differentiated.
    if (at::GradMode::is_enabled()) {
      throw Error(code::kArgument, "a residual-llama has first derivatives only: backward without createGraph");
    }
    const auto saved = context->get_saved_variables();
    const at::Tensor &unit = saved[0], &scale = saved[1];
    const at::Tensor& grad = grads[0];
    const at::Tensor projection = (grad * unit).mean(-1, /*keepdim=*/true, scale.scalar_type());
    at::Tensor dx = at::addcmul(grad.to(scale.scalar_type()), unit, projection, -1).mul_(scale);
    return {dx.to(static_cast<at::ScalarType>(context->saved_data["dtype"].toInt())), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

RmsNorm::RmsNorm(int64_t size, const at::TensorOptions& options)
    : weight(register_parameter("weight", at::ones({size}, options))) {}

at::Tensor unit_rms(const at::Tensor& x, double eps, at::ScalarType dtype) { return UnitRms::apply(x, eps, dtype); }

}  // namespace torchwright::residual
