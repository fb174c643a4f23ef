#include "delight/positions.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "delight/embedding.h"
#include "runtime/errors.h"

namespace torchwright::delight {

namespace {

constexpr int64_t kDefaultPadding = 1;

// Row t: sin(t f), then cos(t f), f falling geometrically from 1 to 1/10,000; a column of zeros where `features` is
// odd.
at::Tensor sinusoids(int64_t count, int64_t features, int64_t padding) {
  const int64_t half = features / 2;
  const double step = half > 1 ? std::log(10000.0) / static_cast<double>(half - 1) : 0;
  const at::Tensor frequencies = at::exp(at::arange(half, at::kFloat) * -step);
  const at::Tensor angles = at::arange(count, at::kFloat).unsqueeze(1) * frequencies.unsqueeze(0);
  at::Tensor table = at::zeros({count, features}, at::kFloat);
  table.narrow(1, 0, half).copy_(at::sin(angles));
  table.narrow(1, half, half).copy_(at::cos(angles));
  table.select(0, padding).zero_();
  return table;
}

}  // namespace

Positions::Positions(const Plan& plan, const at::TensorOptions& options)
    : features_(read_size(plan, "features")), max_(read_size(plan, "maxPositions")) {
  const auto padding = read_padding(plan);
  padded_ = padding.has_value();
  padding_ = padding.value_or(kDefaultPadding);
  const std::string& type = plan.string("type");
  const int64_t count = max_ + padding_ + 1;
  if (type == "sinusoidal") {
    type_ = Type::kSinusoidal;
    table_ = sinusoids(count, features_, padding_);
  } else if (type == "learned") {
    type_ = Type::kLearned;
    weight_ = register_parameter(
        "weight", at::empty({count, features_}, options).normal_(0, 1 / std::sqrt(static_cast<double>(features_))));
    const at::NoGradGuard no_grad;
    weight_.select(0, padding_).zero_();
  } else if (type == "none") {
    type_ = Type::kNone;
  } else {
    throw Error(code::kConfig, plan.name("type") + " must be 'sinusoidal', 'learned' or 'none', not '" + type + "'");
  }
}

at::Tensor Positions::rows(const at::TensorOptions& like) const {
  if (type_ == Type::kLearned) return weight_;
  const std::lock_guard lock(mutex_);
  if (table_.dtype() != like.dtype() || table_.device() != like.device()) {
    // always from float32, in which it is defined
    table_ = sinusoids(max_ + padding_ + 1, features_, padding_).to(like.device(), like.dtype().toScalarType());
  }
  return table_;
}

at::Tensor Positions::forward(const at::Tensor& ids, const at::TensorOptions& like) const {
  if (ids.size(1) > max_) {
    throw Error(code::kShape, "a sequence of " + std::to_string(ids.size(1)) + " tokens is longer than the model's " +
                                  std::to_string(max_) + " positions");
  }
  if (!padded_) return after(0, ids.size(1), {}, like);
  const at::Tensor real = ids.ne(padding_).to(at::kLong);
  const at::Tensor positions = at::cumsum(real, 1).mul_(real).add_(padding_);
  return at::embedding(rows(like), positions, type_ == Type::kLearned ? padding_ : -1);
}

at::Tensor Positions::after(int64_t past, int64_t time, const std::vector<int64_t>& padding,
                            const at::TensorOptions& like) const {
  const auto [least, most] = std::minmax_element(padding.begin(), padding.end());
  const int64_t last = past + time - (padding.empty() ? 0 : *least);
  if (last > max_) {
    throw Error(code::kShape,
                "position " + std::to_string(last) + " is beyond the model's " + std::to_string(max_) + " positions");
  }
  if (padding.empty() || *most == 0) return rows(like).narrow(0, padding_ + 1 + past, time).unsqueeze(0);
  const at::Tensor starts = at::tensor(padding, at::kLong).to(like.device()).unsqueeze(1);
  const at::Tensor positions = at::arange(past, past + time, like.dtype(at::kLong)).unsqueeze(0) - starts;
  return at::embedding(rows(like), positions.clamp_min_(0).add_(padding_ + 1));
}

at::Tensor Positions::table(int64_t length, const at::TensorOptions& like) const {
  const at::Tensor all = rows(like);
  if (length < 1 || length > all.size(0)) {
    throw Error(code::kShape, "the table has " + std::to_string(all.size(0)) + " rows, not " + std::to_string(length));
  }
  return all.narrow(0, 0, length);
}

}  // namespace torchwright::delight
