#include "residual/rotary.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

namespace torchwright::residual {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// to := from turned by the table's angles; both [batch, kv, time, group, headDim] in any strides.
void turn(const at::Tensor& to, const at::Tensor& from, const at::Tensor& cos, const at::Tensor& sin) {
  const int64_t half = from.size(-1) / 2;
  const at::Tensor first = from.narrow(-1, 0, half), second = from.narrow(-1, half, half);
  at::Tensor to_first = to.narrow(-1, 0, half), to_second = to.narrow(-1, half, half);
  at::mul_out(to_first, first, cos).addcmul_(second, sin, -1);
  at::mul_out(to_second, second, cos).addcmul_(first, sin);
}

struct Rotate : torch::autograd::Function<Rotate> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin,
                            int64_t kv_heads) {
    const int64_t batch = x.size(0), time = x.size(1), width = 2 * cos.size(-1), group = x.size(2) / (kv_heads * width);
    const at::Tensor heads = x.view({batch, time, kv_heads, group, width}).transpose(1, 2);
    at::Tensor turned = at::empty({batch, kv_heads, time, group, width}, x.options());
    turn(turned, heads, cos, sin);
    context->save_for_backward({cos, sin});
    context->saved_data["sizes"] = heads.sizes();
    return turned.view({batch * kv_heads, time * group, width});
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const auto sizes = context->saved_data["sizes"].toIntVector();  // batch, kv, time, group, width
    at::Tensor dx = at::empty({sizes[0], sizes[2], sizes[1], sizes[3], sizes[4]}, grads[0].options());
    turn(dx.transpose(1, 2), grads[0].reshape(sizes), saved[0], saved[1].neg());
    return {dx.view({sizes[0], sizes[2], sizes[1] * sizes[3] * sizes[4]}), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

RotaryTable RotaryTable::make(int64_t time, int64_t head_dim, double theta, const at::TensorOptions& options) {
  const auto on_cpu = at::TensorOptions().dtype(at::kFloat);
  const at::Tensor exponents = at::arange(0, head_dim, 2, on_cpu) / static_cast<double>(head_dim);
  const at::Tensor frequencies = at::pow(theta, exponents).reciprocal_();
  const at::Tensor angles = at::outer(at::arange(time, on_cpu), frequencies);
  return {angles.cos().to(options), angles.sin().to(options)};
}

at::Tensor rotate(const at::Tensor& x, int64_t kv_heads, const RotaryTable& table, double scale) {
  const at::Tensor cos = (scale == 1 ? table.cos : table.cos * scale).unsqueeze(1);
  const at::Tensor sin = (scale == 1 ? table.sin : table.sin * scale).unsqueeze(1);
  return Rotate::apply(x, cos, sin, kv_heads);
}

}  // namespace torchwright::residual
