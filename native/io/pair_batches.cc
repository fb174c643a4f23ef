#include "io/pair_batches.h"

#include <ATen/ops/full.h>

#include <algorithm>

#include "runtime/errors.h"

namespace torchwright {

namespace {

void check(const Sentences& sentences, const char* side) {
  const auto fail = [&](const std::string& problem) {
    throw Error(code::kData, std::string("the ") + side + " sentences: " + problem);
  };
  if (sentences.count() < 1) fail("there is not one");
  if (sentences.offsets.front() < 0) fail("the first offset is negative");
  for (int64_t i = 0; i < sentences.count(); ++i) {
    if (sentences.length(i) < 0) fail("sentence " + std::to_string(i) + " ends before it begins");
  }
  if (sentences.offsets.back() > sentences.tokens->length()) {
    fail("they end at token " + std::to_string(sentences.offsets.back()) + ", the token file at " +
         std::to_string(sentences.tokens->length()));
  }
}

void check(const PairBatchesOptions& options) {
  check(options.source, "source");
  check(options.target, "target");
  if (options.source.count() != options.target.count()) {
    throw Error(code::kData, "there are " + std::to_string(options.source.count()) + " source sentences, but " +
                                 std::to_string(options.target.count()) + " target sentences");
  }
  if (options.padding_id < 0 || options.eos_id < 0 || options.padding_id == options.eos_id)
    throw Error(code::kArgument, "padding and end mark must be two different token ids");
}

int64_t longest(const Sentences& side, const std::vector<int64_t>& sentences) {
  int64_t length = 0;
  for (const int64_t sentence : sentences) length = std::max(length, side.length(sentence));
  return length;
}

}  // namespace

PairBatches::PairBatches(PairBatchesOptions options)
    : options_((check(options), std::move(options))), prefetch_([this]() -> Prefetch::Make {
        if (queued_.empty()) return {};
        auto sentences = std::move(queued_.front());
        queued_.pop_front();
        return [this, sentences = std::move(sentences)] { return make(sentences); };
      }) {}

Batch PairBatches::next(const CancelFlag& cancel) { return prefetch_.next(cancel).to(options_.device); }

void PairBatches::queue(std::vector<int64_t> order, const std::vector<int64_t>& ends) {
  for (const int64_t sentence : order) {
    if (sentence < 0 || sentence >= options_.source.count()) {
      throw Error(code::kArgument, "there is no sentence " + std::to_string(sentence) + " among " +
                                       std::to_string(options_.source.count()) + " pairs");
    }
  }
  int64_t begin = 0;
  std::vector<std::vector<int64_t>> batches;
  for (const int64_t end : ends) {
    if (end <= begin || end > static_cast<int64_t>(order.size()))
      throw Error(code::kArgument, "the ends of the batches must rise from 1 to the number of sentences");
    batches.emplace_back(order.begin() + begin, order.begin() + end);
    begin = end;
  }
  if (begin != static_cast<int64_t>(order.size()))
    throw Error(code::kArgument, "the last batch must end with the last sentence");
  prefetch_.change([&] { std::move(batches.begin(), batches.end(), std::back_inserter(queued_)); });
}

Batch PairBatches::make(const std::vector<int64_t>& sentences) const {
  const auto& [source, target, padding_id, eos_id, device] = options_;
  const auto rows = static_cast<int64_t>(sentences.size());
  const int64_t source_width = longest(source, sentences) + 1;
  const int64_t target_width = longest(target, sentences) + 1;
  const auto options = at::TensorOptions().dtype(at::kLong).pinned_memory(device.is_cuda());
  const auto padded = [&](int64_t width) { return at::full({rows, width}, padding_id, options); };
  Batch batch{{padded(source_width), padded(target_width), padded(target_width)}, rows, 0, 0};
  auto* source_row = batch.inputs[0].mutable_data_ptr<int64_t>();
  auto* previous_row = batch.inputs[1].mutable_data_ptr<int64_t>();
  auto* target_row = batch.inputs[2].mutable_data_ptr<int64_t>();
  for (const int64_t sentence : sentences) {
    const int64_t source_length = source.length(sentence), target_length = target.length(sentence);
    source.tokens->copy(source.offsets[sentence], source_length, source_row + source_width - source_length - 1);
    source_row[source_width - 1] = eos_id;
    target.tokens->copy(target.offsets[sentence], target_length, target_row);
    target_row[target_length] = eos_id;
    previous_row[0] = eos_id;
    std::copy_n(target_row, target_length, previous_row + 1);
    // Padding in the text itself is not predicted either.
    batch.targets += target_length + 1 - std::count(target_row, target_row + target_length, padding_id);
    batch.tokens += source_length + target_length + 2;
    source_row += source_width;
    previous_row += target_width;
    target_row += target_width;
  }
  return batch;
}

}  // namespace torchwright
