#include "nn/decoding.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>
#include <string>

#include "runtime/errors.h"

namespace torchwright {

RowOrder check_order(const std::vector<int64_t>& order, int64_t rows, int64_t beams) {
  const auto count = static_cast<int64_t>(order.size());
  if (count == 0 || count % beams != 0) {
    throw Error(code::kArgument, "an order must hold whole sentences of " + std::to_string(beams) + " rows, not " +
                                     std::to_string(count) + " rows");
  }
  RowOrder result{std::vector<int64_t>(count / beams), count == rows, count == rows};
  for (int64_t i = 0; i < count; ++i) {
    if (order[i] < 0 || order[i] >= rows) {
      throw Error(code::kArgument, "an order names row " + std::to_string(order[i]) + " of " + std::to_string(rows) +
                                       ": these caches belong to another batch");
    }
    int64_t& sentence = result.sentences[i / beams];
    if (i % beams == 0) sentence = order[i] / beams;
    if (order[i] / beams != sentence) {
      throw Error(code::kArgument, "an order mixes rows of different sentences");
    }
    result.same_rows = result.same_rows && order[i] == i;
    result.same_sentences = result.same_sentences && sentence == i / beams;
  }
  return result;
}

std::vector<int64_t> padding_of_rows(const std::vector<at::Tensor>& inputs, int64_t sentences, int64_t beams) {
  std::vector<int64_t> padding(sentences * beams, 0);
  if (inputs.empty()) return padding;
  const at::Tensor& given = inputs[0];
  if (inputs.size() > 1 || !given.defined() || given.scalar_type() != at::kLong || given.dim() != 1 ||
      given.size(0) != sentences) {
    throw Error(code::kArgument, "a language model decodes from nothing, or from the padding of each of the " +
                                     std::to_string(sentences) + " sentences as int64");
  }
  const at::Tensor counts = given.cpu().contiguous();
  for (int64_t row = 0; row < sentences * beams; ++row) {
    padding[row] = counts.const_data_ptr<int64_t>()[row / beams];
    if (padding[row] < 0) throw Error(code::kArgument, "padding cannot be " + std::to_string(padding[row]) + " tokens");
  }
  return padding;
}

at::Tensor step_bias(const std::vector<int64_t>& padding, int64_t past, int64_t time,
                     const at::TensorOptions& options) {
  const bool padded = std::any_of(padding.begin(), padding.end(), [](int64_t count) { return count > 0; });
  if (time == 1 && !padded) return {};
  const auto ids = options.dtype(at::kLong);
  const at::Tensor keys = at::arange(past + time, ids);
  const at::Tensor own = at::arange(past, past + time, ids).unsqueeze(1);
  at::Tensor forbidden = keys.gt(own).unsqueeze(0);
  if (padded) {
    const at::Tensor starts = at::tensor(padding, at::kLong).to(options.device()).view({-1, 1, 1});
    forbidden = forbidden.logical_or(keys.lt(starts).logical_and(keys.ne(own)));
  }
  return at::zeros(forbidden.sizes(), options).masked_fill_(forbidden, -std::numeric_limits<double>::infinity());
}

}  // namespace torchwright
