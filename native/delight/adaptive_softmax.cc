#include "delight/adaptive_softmax.h"

#include <ATen/ATen.h>

#include <cmath>

#include "runtime/errors.h"

namespace torchwright::delight {

namespace {

// A chain of modules that ends in a `weight`, registered level by level: "tail.0.2" -> tail.0.2.weight.
at::Tensor register_weight(torch::nn::Module& owner, const std::string& path, int64_t out, int64_t in,
                           const at::TensorOptions& options) {
  torch::nn::Module* module = &owner;
  size_t start = 0;
  while (start <= path.size()) {
    const size_t dot = std::min(path.find('.', start), path.size());
    const std::string name = path.substr(start, dot - start);
    const auto children = module->named_children();
    const auto* found = children.find(name);
    module =
        found != nullptr ? found->get() : module->register_module(name, std::make_shared<torch::nn::Module>()).get();
    start = dot + 1;
  }
  return module->register_parameter("weight", xavier_uniform({out, in}, in, out, options));
}

}  // namespace

AdaptiveSoftmax::AdaptiveSoftmax(const Options& options, const AdaptiveInput* tied,
                                 const at::TensorOptions& tensor_options)
    : options_(options) {
  const int64_t clusters = static_cast<int64_t>(tails());
  if (tied != nullptr) {
    if (tied->tables.size() != tails() + 1) {
      throw Error(code::kConfig, "a tied adaptive softmax needs the cutoffs of its input");
    }
    for (size_t band = 0; band < tied->tables.size(); ++band) {
      tied_tables_.push_back(tied->tables[band]->weight);
      tied_projections_.push_back(tied->projection(band));
    }
    const int64_t dim = tied_tables_[0].size(1);
    if (dim != options.in) {
      word_projection_ = register_weight(*this, "head.word_proj.0", dim, options.in, tensor_options);
    }
    class_proj_ = register_weight(*this, "head.class_proj", clusters, options.in, tensor_options);
  } else {
    head_ = register_weight(*this, "head", options.cutoffs.at(0) + clusters, options.in, tensor_options);
  }
  for (size_t tail = 0; tail < tails(); ++tail) {
    const std::string name = "tail." + std::to_string(tail) + ".";
    const int64_t size = end(tail) - begin(tail);
    const auto own =
        static_cast<int64_t>(static_cast<double>(options.in) / std::pow(options.factor, static_cast<double>(tail + 1)));
    const int64_t dim = tied != nullptr ? tied_tables_[tail + 1].size(1) : own;
    if (tied != nullptr && options.tie_projections && tied_projections_[tail + 1].size(0) != options.in) {
      throw Error(code::kConfig, "tied projections need an output as wide as the input: " +
                                     std::to_string(tied_projections_[tail + 1].size(0)) + ", not " +
                                     std::to_string(options.in));
    }
    tail_projections_.push_back(tied != nullptr && options.tie_projections
                                    ? at::Tensor()
                                    : register_weight(*this, name + "0", dim, options.in, tensor_options));
    tail_tables_.push_back(tied != nullptr ? at::Tensor()
                                           : register_weight(*this, name + "2", size, dim, tensor_options));
  }
}

at::Tensor AdaptiveSoftmax::dropped(const at::Tensor& x) const {
  return is_training() && options_.dropout > 0 ? at::dropout(x, options_.dropout, true) : x;
}

at::Tensor AdaptiveSoftmax::head_input(const at::Tensor& x) const {
  return word_projection_.defined() ? at::linear(x, word_projection_) : x;
}

at::Tensor AdaptiveSoftmax::tail_weight(size_t tail) const {
  return tied() ? tied_tables_[tail + 1] : tail_tables_[tail];
}

at::Tensor AdaptiveSoftmax::tail_input(const at::Tensor& x, size_t tail) const {
  const at::Tensor& own = tail_projections_[tail];
  return dropped(own.defined() ? at::linear(x, own) : at::matmul(x, tied_projections_[tail + 1]));
}

at::Tensor AdaptiveSoftmax::head_logits(const at::Tensor& x) const {
  if (!tied()) return at::linear(x, head_);
  return at::cat({at::linear(head_input(x), tied_tables_[0]), at::linear(x, class_proj_)}, -1);
}

at::Tensor AdaptiveSoftmax::head_weight() const {
  if (!tied()) return head_;
  const at::Tensor& words = tied_tables_[0];
  return at::cat({word_projection_.defined() ? at::mm(words, word_projection_) : words, class_proj_});
}

at::Tensor AdaptiveSoftmax::rows_of(size_t tail, const at::Tensor& targets) const {
  return at::nonzero(targets.ge(begin(tail)).logical_and_(targets.lt(end(tail)))).squeeze(1);
}

at::Tensor AdaptiveSoftmax::head_targets(const at::Tensor& targets) const {
  at::Tensor result = targets;
  for (size_t tail = 0; tail < tails(); ++tail) {
    const at::Tensor inside = targets.ge(begin(tail)).logical_and_(targets.lt(end(tail)));
    result = result.masked_fill(inside, begin(0) + static_cast<int64_t>(tail));
  }
  return result;
}

LossSums AdaptiveSoftmax::loss(const at::Tensor& x, const at::Tensor& targets) const {
  const at::Tensor input = dropped(x);
  LossSums total = linear_cross_entropy(input, head_weight(), head_targets(targets), 0);
  for (size_t tail = 0; tail < tails(); ++tail) {
    at::Tensor rows = rows_of(tail, targets);
    if (options_.ignore_tail_pad && options_.padding) {
      const at::Tensor inside = targets.index_select(0, rows) - begin(tail);
      rows = rows.index_select(0, at::nonzero(inside.ne(*options_.padding)).squeeze(1));
    }
    if (rows.size(0) == 0) continue;
    const LossSums sums = linear_cross_entropy(tail_input(input.index_select(0, rows), tail), tail_weight(tail),
                                               targets.index_select(0, rows) - begin(tail), 0);
    total.loss = total.loss + sums.loss;
    total.nll = total.nll + sums.nll;
  }
  return total;
}

at::Tensor AdaptiveSoftmax::log_probabilities(const at::Tensor& x) const {
  const at::Tensor input = dropped(x);
  const at::Tensor head = at::log_softmax(head_logits(input), -1);
  std::vector<at::Tensor> parts{head.narrow(-1, 0, begin(0))};
  for (size_t tail = 0; tail < tails(); ++tail) {
    const at::Tensor own = at::log_softmax(at::linear(tail_input(input, tail), tail_weight(tail)), -1);
    parts.push_back(own + head.narrow(-1, begin(0) + static_cast<int64_t>(tail), 1));
  }
  return at::cat(parts, -1);
}

at::Tensor AdaptiveSoftmax::row_losses(const at::Tensor& x, const at::Tensor& targets) const {
  const at::NoGradGuard no_grad;
  at::Tensor losses = linear_row_losses(x, head_weight(), head_targets(targets));
  for (size_t tail = 0; tail < tails(); ++tail) {
    const at::Tensor rows = rows_of(tail, targets);
    if (rows.size(0) == 0) continue;
    losses.index_add_(0, rows,
                      linear_row_losses(tail_input(x.index_select(0, rows), tail), tail_weight(tail),
                                        targets.index_select(0, rows) - begin(tail))
                          .to(losses.scalar_type()));
  }
  return losses;
}

ScoreSums AdaptiveSoftmax::score(const at::Tensor& x, const at::Tensor& targets) const {
  const at::NoGradGuard no_grad;
  ScoreSums total{at::zeros({}, x.options()), at::zeros({}, targets.options())};
  const int64_t step = std::max<int64_t>(1, (int64_t{1} << 22) / options_.vocabulary);
  for (int64_t first = 0; first < x.size(0); first += step) {
    const int64_t count = std::min(step, x.size(0) - first);
    const at::Tensor wanted = targets.narrow(0, first, count);
    const at::Tensor probabilities = log_probabilities(x.narrow(0, first, count));
    total.nll -= probabilities.gather(1, wanted.unsqueeze(1)).sum();
    total.correct += probabilities.argmax(1).eq(wanted).sum();
  }
  return total;
}

std::vector<at::Tensor> AdaptiveSoftmax::logits(const at::Tensor& x, const at::Tensor& targets) const {
  std::vector<at::Tensor> result{head_logits(x)};
  for (size_t tail = 0; tail < tails(); ++tail) {
    const at::Tensor rows = rows_of(tail, targets);
    result.push_back(at::linear(tail_input(x.index_select(0, rows), tail), tail_weight(tail)));
  }
  return result;
}

}  // namespace torchwright::delight
