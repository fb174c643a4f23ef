// Batches of blocks of a token file.
#pragma once

#include <c10/core/Device.h>

#include <memory>
#include <optional>
#include <vector>

#include "io/prefetch.h"
#include "io/token_file.h"

namespace torchwright {

struct BlockBatchesOptions {
  std::vector<int64_t> offsets;  // first token of each block
  int64_t block_size;
  int64_t batch_size;
  std::optional<uint64_t> seed;  // absent: file order
  at::Device device;
};

// The inputs are the ids, `[samples, blockSize]` int64, and null for the labels: each token is predicted from those
// before it. The last batch of an epoch may be short. Epochs follow each other without end.
class BlockBatches : public Batches {
 public:
  BlockBatches(std::shared_ptr<const TokenFile> tokens, BlockBatchesOptions options);

  Batch next(const CancelFlag& cancel) override;
  void seek(int64_t epoch, int64_t batch);

 private:
  int64_t batches_per_epoch() const;
  Prefetch::Make plan();
  Batch make(int64_t epoch, int64_t batch);

  std::shared_ptr<const TokenFile> tokens_;
  BlockBatchesOptions options_;

  // What is planned next.
  int64_t epoch_ = 0;
  int64_t batch_ = 0;

  // Of the thread only.
  std::vector<int64_t> order_;
  int64_t order_epoch_ = -1;

  Prefetch prefetch_;
};

}  // namespace torchwright
