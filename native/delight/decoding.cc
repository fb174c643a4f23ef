#include "delight/decoding.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>

#include "runtime/errors.h"

namespace torchwright::delight {

namespace {

// Takes rows `order` of past [rows, capacity, width], their first `length` tokens, into `result`, which is made anew
// where it does not fit.
void choose_rows(const at::Tensor& past, const std::vector<int64_t>& order, const at::Tensor& index, int64_t length,
                 at::Tensor& result) {
  const auto count = static_cast<int64_t>(order.size());
  if (!result.defined() || result.size(0) != count || result.size(1) != past.size(1)) {
    result = at::empty({count, past.size(1), past.size(2)}, past.options());
  }
  if (!past.device().is_cpu()) {
    result.narrow(1, 0, length).copy_(past.narrow(1, 0, length).index_select(0, index));
    return;
  }
  const int64_t row = past.size(1) * past.size(2) * past.element_size();
  const int64_t used = length * past.size(2) * past.element_size();
  const auto* from = static_cast<const char*>(past.const_data_ptr());
  auto* to = static_cast<char*>(result.mutable_data_ptr());
  at::parallel_for(0, result.size(0), std::max<int64_t>(1, (1 << 18) / std::max<int64_t>(1, used)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i) std::memcpy(to + i * row, from + order[i] * row, used);
                   });
}

}  // namespace

StackDecoding::StackDecoding(const Stack& decoder, int64_t beams, std::vector<LayerCache> caches,
                             at::Tensor memory_bias, std::function<at::Tensor(const at::Tensor&)> output)
    : decoder_(decoder),
      beams_(beams),
      caches_(std::move(caches)),
      memory_bias_(std::move(memory_bias)),
      output_(std::move(output)) {}

void StackDecoding::reorder(const std::vector<int64_t>& order) {
  const auto count = static_cast<int64_t>(order.size());
  if (count == 0 || count % beams_ != 0) {
    throw Error(code::kArgument, "an order must hold whole sentences of " + std::to_string(beams_) + " rows, not " +
                                     std::to_string(count) + " rows");
  }
  std::vector<int64_t> sentences(count / beams_);
  bool same_rows = count == rows(), same_sentences = same_rows;
  for (int64_t i = 0; i < count; ++i) {
    if (order[i] < 0 || order[i] >= rows()) {
      throw Error(code::kArgument, "an order names row " + std::to_string(order[i]) + " of " + std::to_string(rows()) +
                                       ": these caches belong to another batch");
    }
    int64_t& sentence = sentences[i / beams_];
    if (i % beams_ == 0) sentence = order[i] / beams_;
    if (order[i] / beams_ != sentence) {
      throw Error(code::kArgument, "an order mixes rows of different sentences");
    }
    same_rows = same_rows && order[i] == i;
    same_sentences = same_sentences && sentence == i / beams_;
  }
  if (same_rows) return;
  const at::Tensor index = at::tensor(order, at::kLong).to(device());
  const at::Tensor sentence_index = at::tensor(sentences, at::kLong).to(device());
  for (LayerCache& cache : caches_) {
    choose_rows(cache.past, order, index, length_, cache.spare);
    std::swap(cache.past, cache.spare);
    if (!same_sentences && cache.memory.defined()) cache.memory = cache.memory.index_select(0, sentence_index);
  }
  if (!same_sentences && memory_bias_.defined()) memory_bias_ = memory_bias_.index_select(0, sentence_index);
}

void StackDecoding::reserve(int64_t length) {
  if (length <= caches_.front().past.size(1)) return;
  for (LayerCache& cache : caches_) {
    const int64_t capacity = std::max(length, 2 * cache.past.size(1));
    at::Tensor larger = at::empty({cache.past.size(0), capacity, cache.past.size(2)}, cache.past.options());
    larger.narrow(1, 0, length_).copy_(cache.past.narrow(1, 0, length_));
    cache.past = larger;
  }
}

at::Tensor StackDecoding::step(const at::Tensor& tokens) {
  const int64_t time = tokens.size(1);
  reserve(length_ + time);
  const at::Tensor x = decoder_.step(tokens, caches_, length_, beams_, memory_bias_);
  length_ += time;
  return output_(x.select(1, time - 1));
}

}  // namespace torchwright::delight
