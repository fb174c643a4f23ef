#include "io/block_batches.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randperm.h>

#include <algorithm>
#include <numeric>

#include "runtime/errors.h"

namespace torchwright {

namespace {

void check(const BlockBatchesOptions& options, int64_t tokens) {
  if (options.block_size < 1 || options.batch_size < 1)
    throw Error(code::kArgument, "block and batch size must be at least 1");
  if (options.offsets.empty()) throw Error(code::kData, "there is not one block to make batches of");
  for (const int64_t offset : options.offsets) {
    if (offset < 0 || offset > tokens - options.block_size) {
      throw Error(code::kData, "the block at token " + std::to_string(offset) + " lies outside the token file of " +
                                   std::to_string(tokens) + " tokens");
    }
  }
}

}  // namespace

BlockBatches::BlockBatches(std::shared_ptr<const TokenFile> tokens, BlockBatchesOptions options)
    : tokens_(std::move(tokens)),
      options_((check(options, tokens_->length()), std::move(options))),
      prefetch_([this] { return plan(); }) {}

int64_t BlockBatches::batches_per_epoch() const {
  const auto blocks = static_cast<int64_t>(options_.offsets.size());
  return (blocks + options_.batch_size - 1) / options_.batch_size;
}

void BlockBatches::seek(int64_t epoch, int64_t batch) {
  if (epoch < 0 || batch < 0 || batch >= batches_per_epoch()) {
    throw Error(code::kArgument, "there is no batch " + std::to_string(batch) + " in epoch " + std::to_string(epoch) +
                                     " of " + std::to_string(batches_per_epoch()) + " batches");
  }
  prefetch_.restart([&] {
    epoch_ = epoch;
    batch_ = batch;
  });
}

Batch BlockBatches::next(const CancelFlag& cancel) { return prefetch_.next(cancel).to(options_.device); }

Prefetch::Make BlockBatches::plan() {
  Prefetch::Make next = [this, epoch = epoch_, batch = batch_] { return make(epoch, batch); };
  if (++batch_ == batches_per_epoch()) {
    batch_ = 0;
    ++epoch_;
  }
  return next;
}

Batch BlockBatches::make(int64_t epoch, int64_t batch) {
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
  return {{ids, at::Tensor()}, samples, samples * (options_.block_size - 1), ids.numel()};
}

}  // namespace torchwright
