#include "io/block_queue.h"

#include <ATen/ops/empty.h>

#include <algorithm>

#include "runtime/errors.h"

namespace torchwright {

BlockQueue::BlockQueue(int64_t vocab_size, at::Device device) : vocab_size_(vocab_size), device_(device) {}

void BlockQueue::put(const uint32_t* ids, int64_t samples, int64_t block_size) {
  if (samples < 1 || block_size < 1) throw Error(code::kArgument, "a batch needs blocks, and a block tokens");
  const int64_t count = samples * block_size;
  const int64_t largest = *std::max_element(ids, ids + count);
  if (largest >= vocab_size_) {
    throw Error(code::kData, "the stream holds token id " + std::to_string(largest) +
                                 ", but the model's vocabulary has " + std::to_string(vocab_size_) +
                                 " entries; give the model a larger one, or use the model's own tokenizer");
  }
  at::Tensor blocks =
      at::empty({samples, block_size}, at::TensorOptions().dtype(at::kLong).pinned_memory(device_.is_cuda()));
  std::copy_n(ids, count, blocks.mutable_data_ptr<int64_t>());
  const std::lock_guard lock(mutex_);
  waiting_.push_back({{std::move(blocks), at::Tensor()}, samples, samples * (block_size - 1), count});
}

Batch BlockQueue::next(const CancelFlag& cancel) {
  cancel.check();
  std::unique_lock lock(mutex_);
  if (waiting_.empty()) throw Error(code::kData, "there is no batch left in the queue");
  Batch batch = std::move(waiting_.front());
  waiting_.pop_front();
  lock.unlock();
  return std::move(batch).to(device_);
}

}  // namespace torchwright
