#include "delight/loss.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <utility>

#include "delight/kernels/cross_entropy.h"
#include "nn/precision.h"
#include "nn/products.h"
#include "runtime/errors.h"

namespace torchwright::delight {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// So many rows that a part's logits stay near a CPU's caches, or fill a GPU without filling its memory.
int64_t rows_per_part(const at::Tensor& weight) {
  const int64_t elements = weight.device().is_cpu() ? int64_t{1} << 20 : int64_t{1} << 27;
  return std::max<int64_t>(64, elements / weight.size(0));
}

// Calls `body(begin, count, logits, targets)` for part after part.
template <typename Body>
void for_parts(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& targets, Body body) {
  const int64_t rows = x.size(0), step = rows_per_part(weight);
  const at::Tensor transposed = weight.to(x.scalar_type()).t().contiguous().unsqueeze(0);
  for (int64_t begin = 0; begin < rows; begin += step) {
    const int64_t count = std::min(step, rows - begin);
    at::Tensor logits = batched_product(x.narrow(0, begin, count).unsqueeze(0), transposed)[0];
    logits = logits.to(accumulation_type(logits.scalar_type()));  // the narrow ones are gone
    body(begin, count, std::move(logits), targets.narrow(0, begin, count));
  }
}

// Sums of one part; with `gradient`, the logits become their gradient.
struct PartSums {
  at::Tensor loss, nll, correct;
};
PartSums part_sums(at::Tensor& logits, const at::Tensor& targets, double smoothing, bool gradient) {
  if (logits.device().is_cpu()) {
    const auto run = [&](auto* data) {
      return cross_entropy(data, targets.const_data_ptr<int64_t>(), logits.size(0), logits.size(1), smoothing,
                           gradient);
    };
    const CrossEntropySums sums = logits.scalar_type() == at::kDouble ? run(logits.mutable_data_ptr<double>())
                                                                      : run(logits.mutable_data_ptr<float>());
    return {at::scalar_tensor(sums.loss, logits.options()), at::scalar_tensor(sums.nll, logits.options()),
            at::scalar_tensor(sums.correct, at::kLong)};
  }
  const at::Tensor column = targets.unsqueeze(1);
  PartSums sums;
  if (!gradient) sums.correct = logits.argmax(1).eq(targets).sum();
  at::Tensor log_probabilities = at::log_softmax(logits, 1);
  const double share = smoothing / static_cast<double>(logits.size(1));
  sums.nll = log_probabilities.gather(1, column).sum().neg();
  sums.loss = smoothing > 0 ? sums.nll * (1 - smoothing) - log_probabilities.sum() * share : sums.nll;
  if (gradient) {
    logits = log_probabilities.exp_().sub_(share);
    logits.scatter_add_(1, column, at::full_like(column, smoothing - 1, logits.options()));
  }
  return sums;
}

// The gradient is cheapest while a part's probabilities are at hand, so it is made in the forward pass.
struct LinearCrossEntropy : torch::autograd::Function<LinearCrossEntropy> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                               const at::Tensor& targets, double smoothing, bool with_gradient) {
    const auto options = x.options().dtype(accumulation_type(x.scalar_type()));
    at::Tensor loss = at::zeros({}, options), nll = at::zeros({}, options), dx, dweight;
    if (with_gradient) {
      dx = at::zeros(x.sizes(), x.options());
      dweight = at::zeros(weight.sizes(), weight.options().dtype(accumulation_type(weight.scalar_type())));
    }
    const at::Tensor compute_weight = weight.to(x.scalar_type());
    for_parts(x, weight, targets, [&](int64_t begin, int64_t count, at::Tensor logits, const at::Tensor& wanted) {
      const PartSums sums = part_sums(logits, wanted, smoothing, with_gradient);
      loss += sums.loss;
      nll += sums.nll;
      if (!with_gradient) return;
      const at::Tensor dlogits = logits.to(x.scalar_type());
      at::Tensor part_dx = dx.narrow(0, begin, count);
      add_product(part_dx, dlogits, compute_weight);
      add_product(dweight, dlogits.t(), x.narrow(0, begin, count));
    });
    context->save_for_backward({dx, dweight});
    context->mark_non_differentiable({nll});
    return {loss, nll};
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    if (at::GradMode::is_enabled()) {
      throw Error(code::kArgument, "this loss has first derivatives only: backward without createGraph");
    }
    const auto saved = context->get_saved_variables();
    variable_list result(5);
    if (context->needs_input_grad(0)) result[0] = saved[0] * grads[0].to(saved[0].scalar_type());
    if (context->needs_input_grad(1)) result[1] = saved[1] * grads[0].to(saved[1].scalar_type());
    return result;
  }
};

}  // namespace

LossSums linear_cross_entropy(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& targets,
                              double smoothing) {
  const bool with_gradient = at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  const auto sums = LinearCrossEntropy::apply(x, weight, targets.contiguous(), smoothing, with_gradient);
  return {sums[0], sums[1]};
}

ScoreSums linear_score(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& targets) {
  const at::NoGradGuard no_grad;
  ScoreSums total{at::zeros({}, x.options().dtype(accumulation_type(x.scalar_type()))),
                  at::zeros({}, targets.options().dtype(at::kLong))};
  for_parts(x, weight, targets.contiguous(), [&](int64_t, int64_t, at::Tensor logits, const at::Tensor& wanted) {
    const PartSums sums = part_sums(logits, wanted, 0, false);
    total.nll += sums.nll;
    total.correct += sums.correct;
  });
  return total;
}

at::Tensor linear_row_losses(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& targets) {
  const at::NoGradGuard no_grad;
  at::Tensor losses = at::empty({x.size(0)}, x.options().dtype(accumulation_type(x.scalar_type())));
  for_parts(x, weight, targets, [&](int64_t begin, int64_t count, const at::Tensor& logits, const at::Tensor& wanted) {
    losses.narrow(0, begin, count).copy_(at::log_softmax(logits, 1).gather(1, wanted.unsqueeze(1)).squeeze(1).neg_());
  });
  return losses;
}

std::pair<at::Tensor, at::Tensor> without_padding(const at::Tensor& flat, const at::Tensor& targets,
                                                  std::optional<int64_t> padding) {
  if (!padding) return {flat, targets};
  const at::Tensor where = at::nonzero(targets.ne(*padding)).squeeze(1);
  if (where.size(0) == targets.size(0)) return {flat, targets};
  return {flat.index_select(0, where), targets.index_select(0, where)};
}

}  // namespace torchwright::delight
