#include "nn/products.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "nn/kernels/few_rows.h"
#include "nn/kernels/gemm.h"

namespace torchwright {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Whether the kernels can read both.
bool plain(const at::Tensor& a, const at::Tensor& b) {
  const auto fits = [](const at::Tensor& tensor) {
    return tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat;
  };
  return fits(a) && fits(b) && !at::autocast::is_autocast_enabled(at::kCPU);
}

bool own(const at::Tensor& a, const at::Tensor& b) { return gemm_supported() && plain(a, b); }

// c (+)= a b + bias, all three-dimensional.
void multiply(const at::Tensor& c, const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias, bool add) {
  const at::Tensor right = b.stride(2) == 1 || b.size(2) == 1 ? b : b.contiguous();
  gemm({.batch = a.size(0),
        .rows = a.size(1),
        .columns = b.size(2),
        .depth = a.size(2),
        .a = a.const_data_ptr<float>(),
        .a_batch = a.stride(0),
        .a_row = a.stride(1),
        .a_depth = a.stride(2),
        .b = right.const_data_ptr<float>(),
        .b_batch = right.stride(0),
        .b_depth = right.stride(1),
        .c = c.mutable_data_ptr<float>(),
        .c_batch = c.stride(0),
        .c_row = c.stride(1),
        .bias = bias.defined() ? bias.const_data_ptr<float>() : nullptr,
        .add = add});
}

at::Tensor product(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias) {
  at::Tensor c = at::empty({a.size(0), a.size(1), b.size(2)}, a.options().requires_grad(std::nullopt));
  multiply(c, a, b, bias, false);
  return c;
}

// x [N, in] -> [N, out].
at::Tensor linear_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return product(x.unsqueeze(0), weight.t().unsqueeze(0), bias)[0];
}

at::Tensor linear_few_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor rows = x.contiguous();
  at::Tensor y = at::empty({x.size(0), weight.size(0)}, x.options().requires_grad(std::nullopt));
  few_rows_linear(rows.const_data_ptr<float>(), x.size(0), x.size(1), weight.const_data_ptr<float>(), weight.size(0),
                  bias.defined() ? bias.const_data_ptr<float>() : nullptr, y.mutable_data_ptr<float>());
  return y;
}

// Products of few rows [batch, rows, columns], by `multiply(a, b, c)` of each pair of matrices; reading b is their
// work.
template <typename Multiply>
at::Tensor few_rows_batched(const at::Tensor& a, const at::Tensor& b, int64_t columns, Multiply multiply) {
  const int64_t batch = a.size(0), rows = a.size(1), work = std::max<int64_t>(1, columns * a.size(2));
  at::Tensor c = at::empty({batch, rows, columns}, a.options().requires_grad(std::nullopt));
  at::parallel_for(0, batch, std::max<int64_t>(1, (1 << 17) / work), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      multiply(a.const_data_ptr<float>() + i * a.stride(0), b.const_data_ptr<float>() + i * b.stride(0),
               c.mutable_data_ptr<float>() + i * rows * columns);
    }
  });
  return c;
}

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const std::optional<at::Tensor>& bias) {
    context->save_for_backward({x, weight});
    context->saved_data["bias"] = bias.has_value();
    return linear_rows(x, weight, bias.value_or(at::Tensor()));
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &dy = grads[0];
    // Where second derivatives are wanted, libtorch's own operators have them.
    const auto times = [](const at::Tensor& a, const at::Tensor& b) {
      return at::GradMode::is_enabled() ? at::mm(a, b) : batched_product(a.unsqueeze(0), b.unsqueeze(0))[0];
    };
    variable_list result(3);
    if (context->needs_input_grad(0)) result[0] = times(dy, weight);
    if (context->needs_input_grad(1)) result[1] = times(dy.t(), x);
    if (context->saved_data["bias"].toBool() && context->needs_input_grad(2)) result[2] = dy.sum(0);
    return result;
  }
};

}  // namespace

at::Tensor batched_product(const at::Tensor& a, const at::Tensor& b) {
  const int64_t rows = a.size(1), depth = a.size(2), columns = b.size(2);
  const bool few = few_rows_supported() && rows <= kFewestRows && columns >= kLeastColumns && a.stride(2) == 1 &&
                   b.stride(2) == 1 && b.stride(1) == columns && plain(a, b);
  if (few) {
    return few_rows_batched(a, b, columns, [&](const float* one, const float* other, float* c) {
      few_rows_product(one, a.stride(1), rows, depth, other, columns, c);
    });
  }
  return own(a, b) ? product(a, b, {}) : at::bmm(a, b);
}

at::Tensor batched_product_transposed(const at::Tensor& a, const at::Tensor& b) {
  const int64_t rows = a.size(1), depth = a.size(2), columns = b.size(1);
  const bool packed = b.stride(2) == 1 && b.stride(1) == depth;
  if (!few_rows_supported() || rows > kFewRows || !packed || !plain(a, b)) return at::bmm(a, b.transpose(1, 2));
  return few_rows_batched(a.contiguous(), b, columns, [&](const float* one, const float* other, float* c) {
    few_rows_linear(one, rows, depth, other, columns, nullptr, c);
  });
}

void add_product(at::Tensor& c, const at::Tensor& a, const at::Tensor& b) {
  if (own(a, b) && own(c, b)) {
    multiply(c.unsqueeze(0), a.unsqueeze(0), b.unsqueeze(0), {}, true);
  } else if (c.scalar_type() == a.scalar_type()) {
    c.addmm_(a, b);
  } else {
    c.add_(at::mm(a, b));
  }
}

at::Tensor apply_linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const bool with_gradient = at::GradMode::is_enabled();
  const bool few = !with_gradient && few_rows_supported() && x.numel() <= kFewRows * weight.size(1) &&
                   weight.is_contiguous() && plain(x, weight);
  if (x.numel() == 0 || !(few || own(x, weight))) return at::linear(x, weight, bias);
  const at::Tensor rows = x.reshape({-1, x.size(-1)});
  at::Tensor y;
  if (few) {
    y = linear_few_rows(rows, weight, bias);
  } else if (with_gradient) {
    y = LinearFunction::apply(rows, weight, bias.defined() ? std::optional(bias) : std::nullopt);
  } else {
    y = linear_rows(rows, weight, bias);
  }
  auto shape = x.sizes().vec();
  shape.back() = weight.size(0);
  return y.view(shape);
}

}  // namespace torchwright
