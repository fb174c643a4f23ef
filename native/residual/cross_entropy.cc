#include "residual/cross_entropy.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "residual/precision.h"

namespace torchwright::residual {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// So many rows that a part's logits stay near a CPU's caches, or fill a GPU without filling its memory.
int64_t rows_per_part(const at::Tensor& weight) {
  const int64_t elements = weight.device().is_cpu() ? int64_t{1} << 20 : int64_t{1} << 27;
  return std::max<int64_t>(256, elements / weight.size(0));
}

at::Tensor logits_of(const at::Tensor& x, const at::Tensor& weight) {
  return at::mm(x, weight.t()).to(accumulation_type(x.scalar_type()));
}

// Sum over rows of -log softmax at the target.
at::Tensor negative_sum(const at::Tensor& log_probabilities, const at::Tensor& targets) {
  return log_probabilities.gather(1, targets.unsqueeze(1)).sum().neg_();
}

// The gradient is cheapest while a part's probabilities are at hand, so it is made in the forward pass.
struct LinearCrossEntropy : torch::autograd::Function<LinearCrossEntropy> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& targets, bool with_gradient) {
    const at::Tensor compute_weight = weight.to(x.scalar_type());
    const int64_t rows = x.size(0), step = rows_per_part(weight);
    at::Tensor loss, dx, dweight;
    if (with_gradient) {
      dx = at::empty_like(x);
      dweight = at::empty(weight.sizes(), weight.options().dtype(accumulation_type(weight.scalar_type())));
    }
    for (int64_t begin = 0; begin < rows; begin += step) {
      const int64_t count = std::min(step, rows - begin);
      const at::Tensor part = x.narrow(0, begin, count), wanted = targets.narrow(0, begin, count);
      at::Tensor log_probabilities = at::_log_softmax(logits_of(part, compute_weight), 1, /*half_to_float=*/false);
      const at::Tensor part_loss = negative_sum(log_probabilities, wanted);
      loss = loss.defined() ? loss.add_(part_loss) : part_loss;
      if (!with_gradient) continue;
      // d loss / d logits, not yet divided by the number of rows: softmax, less 1 at the target
      log_probabilities.exp_().scatter_add_(1, wanted.unsqueeze(1),
                                            at::full({count, 1}, -1, log_probabilities.options()));
      const at::Tensor dlogits = log_probabilities.to(x.scalar_type());
      at::Tensor part_dx = dx.narrow(0, begin, count);
      at::mm_out(part_dx, dlogits, compute_weight);
      if (dweight.scalar_type() == x.scalar_type()) {
        dweight.addmm_(dlogits.t(), part, /*beta=*/begin == 0 ? 0 : 1);
      } else {
        const at::Tensor part_dweight = at::mm(dlogits.t(), part);
        begin == 0 ? dweight.copy_(part_dweight) : dweight.add_(part_dweight);
      }
    }
    context->save_for_backward({dx, dweight});
    context->saved_data["rows"] = rows;
    return loss.div_(static_cast<double>(rows));
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor scale = grads[0] / static_cast<double>(context->saved_data["rows"].toInt());
    variable_list result(4);
    if (context->needs_input_grad(0)) result[0] = saved[0] * scale;
    if (context->needs_input_grad(1)) result[1] = saved[1] * scale;
    return result;
  }
};

}  // namespace

at::Tensor linear_cross_entropy(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& targets) {
  const bool with_gradient = at::GradMode::is_enabled() && (x.requires_grad() || weight.requires_grad());
  return LinearCrossEntropy::apply(x, weight, targets, with_gradient);
}

Score linear_score(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& targets) {
  const at::NoGradGuard no_grad;
  const at::Tensor compute_weight = weight.to(x.scalar_type());
  const int64_t rows = x.size(0), step = rows_per_part(weight);
  Score score;
  for (int64_t begin = 0; begin < rows; begin += step) {
    const int64_t count = std::min(step, rows - begin);
    const at::Tensor wanted = targets.narrow(0, begin, count);
    const at::Tensor logits = logits_of(x.narrow(0, begin, count), compute_weight);
    const at::Tensor loss = negative_sum(at::_log_softmax(logits, 1, /*half_to_float=*/false), wanted);
    const at::Tensor correct = logits.argmax(1).eq(wanted).sum();
    score.loss = score.loss.defined() ? score.loss.add_(loss) : loss;
    score.correct = score.correct.defined() ? score.correct.add_(correct) : correct;
  }
  score.loss.div_(static_cast<double>(rows));
  return score;
}

}  // namespace torchwright::residual
