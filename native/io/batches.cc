#include "io/batches.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randperm.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "runtime/errors.h"

namespace torchwright {

Batches::Batches(std::shared_ptr<const TokenFile> tokens, BatchesOptions options)
    : tokens_(std::move(tokens)), options_(std::move(options)) {
  if (options_.block_size < 1 || options_.batch_size < 1)
    throw Error(code::kArgument, "block and batch size must be at least 1");
  if (options_.offsets.empty()) throw Error(code::kData, "there is not one block to make batches of");
  for (const int64_t offset : options_.offsets) {
    if (offset < 0 || offset > tokens_->length() - options_.block_size) {
      throw Error(code::kData, "the block at token " + std::to_string(offset) + " lies outside the token file of " +
                                   std::to_string(tokens_->length()) + " tokens");
    }
  }
  thread_ = std::thread([this] { produce(); });
}

Batches::~Batches() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

int64_t Batches::batches_per_epoch() const {
  const auto blocks = static_cast<int64_t>(options_.offsets.size());
  return (blocks + options_.batch_size - 1) / options_.batch_size;
}

void Batches::seek(int64_t epoch, int64_t batch) {
  if (epoch < 0 || batch < 0 || batch >= batches_per_epoch()) {
    throw Error(code::kArgument, "there is no batch " + std::to_string(batch) + " in epoch " + std::to_string(epoch) +
                                     " of " + std::to_string(batches_per_epoch()) + " batches");
  }
  {
    const std::lock_guard lock(mutex_);
    epoch_ = epoch;
    batch_ = batch;
    ++generation_;
    ready_.clear();
  }
  changed_.notify_all();
}

at::Tensor Batches::next(const CancelFlag& cancel) {
  std::unique_lock lock(mutex_);
  const auto arrived = [this] { return !ready_.empty() || failure_; };
  while (!changed_.wait_for(lock, std::chrono::milliseconds(50), arrived)) cancel.check();
  if (!ready_.empty()) {
    at::Tensor batch = std::move(ready_.front());
    ready_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return options_.device.is_cpu() ? batch : batch.to(options_.device, /*non_blocking=*/true);
  }
  std::rethrow_exception(failure_);
}

void Batches::produce() {
  for (;;) {
    int64_t epoch, batch;
    uint64_t generation;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || (ready_.size() < kAhead && !failure_); });
      if (stopping_) return;
      epoch = epoch_;
      batch = batch_;
      generation = generation_;
    }
    try {
      at::Tensor made = make(epoch, batch);
      const std::lock_guard lock(mutex_);
      if (generation != generation_) continue;
      ready_.push_back(std::move(made));
      if (++batch_ == batches_per_epoch()) {
        batch_ = 0;
        ++epoch_;
      }
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
    changed_.notify_all();
  }
}

at::Tensor Batches::make(int64_t epoch, int64_t batch) {
  const auto blocks = static_cast<int64_t>(options_.offsets.size());
  if (order_epoch_ != epoch) {
    order_.resize(blocks);
    if (options_.seed) {
      // Each epoch draws anew from seed + epoch: any position can be reached without what came before.
      const auto generator = at::make_generator<at::CPUGeneratorImpl>(*options_.seed + static_cast<uint64_t>(epoch));
      const at::Tensor permutation = at::randperm(blocks, generator, at::TensorOptions().dtype(at::kLong));
      std::copy_n(permutation.const_data_ptr<int64_t>(), blocks, order_.begin());
    } else {
      std::iota(order_.begin(), order_.end(), 0);
    }
    order_epoch_ = epoch;
  }
  const int64_t first = batch * options_.batch_size;
  const int64_t samples = std::min(options_.batch_size, blocks - first);
  at::Tensor ids = at::empty({samples, options_.block_size},
                             at::TensorOptions().dtype(at::kLong).pinned_memory(options_.device.is_cuda()));
  for (int64_t i = 0; i < samples; ++i) {
    tokens_->copy(options_.offsets[order_[first + i]], options_.block_size,
                  ids.mutable_data_ptr<int64_t>() + i * options_.block_size);
  }
  return ids;
}

}  // namespace torchwright
