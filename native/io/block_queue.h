// Batches of blocks that JavaScript reads from a stream and puts in.
#pragma once

#include <c10/core/Device.h>

#include <deque>
#include <mutex>

#include "io/batches.h"

namespace torchwright {

// The inputs are the ids, `[samples, blockSize]` int64, and null for the labels, as those of BlockBatches. Whoever puts
// batches in sees to it that they are there before a step takes them, and that not too many wait.
class BlockQueue : public Batches {
 public:
  BlockQueue(int64_t vocab_size, at::Device device);

  // Appends a batch of `samples` blocks. Throws ERR_DATA for ids beyond the vocabulary, which on a GPU would end the
  // process.
  void put(const uint32_t* ids, int64_t samples, int64_t block_size);
  // Throws ERR_DATA when none is left.
  Batch next(const CancelFlag& cancel) override;

 private:
  const int64_t vocab_size_;
  const at::Device device_;

  std::mutex mutex_;
  std::deque<Batch> waiting_;
};

}  // namespace torchwright
