#include "delight/decoding.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/ThreadLocalState.h>

#include <algorithm>
#include <cstring>

#include "runtime/errors.h"

namespace torchwright::delight {

namespace {

// With so many rows for each thread, every thread takes its own sentences through the whole decoder: they meet once a
// step, not in every product. With fewer they share the products, so that each weight is read once.
constexpr int64_t kPartRows = 16;

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
                             std::vector<int64_t> padding, at::Tensor memory_bias,
                             std::function<at::Tensor(const at::Tensor&)> output)
    : decoder_(decoder),
      beams_(beams),
      caches_(std::move(caches)),
      padding_(std::move(padding)),
      memory_bias_(std::move(memory_bias)),
      output_(std::move(output)) {}

void StackDecoding::reorder(const std::vector<int64_t>& order) {
  const auto [sentences, same_rows, same_sentences] = check_order(order, rows(), beams_);
  if (same_rows) return;
  std::vector<int64_t> padding;
  for (const int64_t row : order) padding.push_back(padding_[row]);
  padding_ = std::move(padding);
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

at::Tensor StackDecoding::step(const at::Tensor& tokens, const CancelFlag& /*cancel: a step is short*/) {
  const int64_t time = tokens.size(1);
  reserve(length_ + time);
  const int64_t threads = at::get_num_threads(), sentences = rows() / beams_;
  at::Tensor scores;
  if (device().is_cpu() && threads > 1 && sentences >= threads && rows() >= kPartRows * threads) {
    scores = step_in_parts(tokens, threads);
  } else {
    scores = step_rows(tokens, caches_, padding_, memory_bias_);
  }
  length_ += time;
  return scores;
}

at::Tensor StackDecoding::step_rows(const at::Tensor& tokens, std::vector<LayerCache>& caches,
                                    const std::vector<int64_t>& padding, const at::Tensor& memory_bias) const {
  return output_(decoder_.step(tokens, caches, length_, beams_, padding, memory_bias).select(1, tokens.size(1) - 1));
}

at::Tensor StackDecoding::step_in_parts(const at::Tensor& tokens, int64_t parts) const {
  const at::ThreadLocalState state;
  const int64_t sentences = rows() / beams_;
  std::vector<at::Tensor> scores(parts);
  at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
    const at::ThreadLocalStateGuard guard(state);
    for (int64_t part = begin; part < end; ++part) {
      const int64_t first = part * sentences / parts, count = (part + 1) * sentences / parts - first;
      const auto own_sentences = [&](const at::Tensor& tensor) {
        return tensor.defined() ? tensor.narrow(0, first, count) : tensor;
      };
      const auto own_rows = [&](const at::Tensor& tensor) { return tensor.narrow(0, first * beams_, count * beams_); };
      std::vector<LayerCache> caches;
      for (const LayerCache& cache : caches_) {
        caches.push_back({own_rows(cache.past), at::Tensor(), own_sentences(cache.memory)});
      }
      const auto padding = padding_.begin() + first * beams_;
      scores[part] =
          step_rows(own_rows(tokens), caches, {padding, padding + count * beams_}, own_sentences(memory_bias_));
    }
  });
  return at::cat(scores);
}

}  // namespace torchwright::delight
