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

constexpr auto kOnCpu = at::kFloat;

// Long waves are stretched by the factor, short ones stay, and those between are something between. Source: Llama 3.1.
at::Tensor stretch_long_waves(const at::Tensor& frequencies, const Rope& rope) {
  constexpr double kTurn = 2 * 3.141592653589793;
  const double low = rope.low_freq_factor, high = rope.high_freq_factor,
               length = static_cast<double>(rope.original_length);
  const at::Tensor waves = frequencies.reciprocal() * kTurn;
  const at::Tensor share = (waves.reciprocal() * length - low) / (high - low);
  const at::Tensor between = (1 - share) * frequencies / rope.factor + share * frequencies;
  const at::Tensor stretched = at::where(waves > length / low, frequencies / rope.factor, between);
  return at::where(waves < length / high, frequencies, stretched);
}

// Radians per position, [headDim / 2]. The operations and their order are Hugging Face's: at position 10,000 the last
// bit of a frequency is the third decimal of an angle.
at::Tensor frequencies(int64_t time, int64_t head_dim, const Rope& rope) {
  const at::Tensor exponents = at::arange(0, head_dim, 2, kOnCpu) / static_cast<double>(head_dim);
  if (rope.scaling == Rope::Scaling::kDynamic && time > rope.original_length) {
    const double width = static_cast<double>(head_dim);
    const at::Tensor growth = at::scalar_tensor(time, kOnCpu) * rope.factor / rope.original_length - (rope.factor - 1);
    return at::pow(at::pow(growth, width / (width - 2)) * rope.theta, exponents).reciprocal_();
  }
  const at::Tensor plain = at::pow(rope.theta, exponents).reciprocal_();
  if (rope.scaling == Rope::Scaling::kLinear) return plain / rope.factor;
  return rope.scaling == Rope::Scaling::kLlama3 ? stretch_long_waves(plain, rope) : plain;
}

}  // namespace

RotaryTable RotaryTable::make(int64_t time, int64_t head_dim, const Rope& rope, const at::TensorOptions& options) {
  const at::Tensor angles = at::outer(at::arange(time, kOnCpu), frequencies(time, head_dim, rope));
  return {angles.cos().to(options), angles.sin().to(options)};
}

at::Tensor rotate(const at::Tensor& x, int64_t kv_heads, const RotaryTable& table, double scale) {
  const at::Tensor cos = (scale == 1 ? table.cos : table.cos * scale).unsqueeze(1);
  const at::Tensor sin = (scale == 1 ? table.sin : table.sin * scale).unsqueeze(1);
  return Rotate::apply(x, cos, sin, kv_heads);
}

}  // namespace torchwright::residual
