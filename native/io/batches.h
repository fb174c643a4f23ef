// Batches of blocks of a token file, made ahead of time on a thread of their own.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "io/token_file.h"
#include "runtime/cancel.h"

namespace torchwright {

struct BatchesOptions {
  std::vector<int64_t> offsets;  // first token of each block
  int64_t block_size;
  int64_t batch_size;
  std::optional<uint64_t> seed;  // absent: file order
  at::Device device;
};

class Batches {
 public:
  Batches(std::shared_ptr<const TokenFile> tokens, BatchesOptions options);
  ~Batches();

  // `[samples, blockSize]` int64 on the device; the last batch of an epoch may be short. Epochs follow each other
  // without end.
  at::Tensor next(const CancelFlag& cancel);
  void seek(int64_t epoch, int64_t batch);
  int64_t batches_per_epoch() const;

 private:
  static constexpr std::size_t kAhead = 3;

  void produce();
  at::Tensor make(int64_t epoch, int64_t batch);

  std::shared_ptr<const TokenFile> tokens_;
  BatchesOptions options_;

  // Producer's thread only.
  std::vector<int64_t> order_;
  int64_t order_epoch_ = -1;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<at::Tensor> ready_;
  std::exception_ptr failure_;
  int64_t epoch_ = 0;
  int64_t batch_ = 0;
  uint64_t generation_ = 0;  // counts seeks, so that a batch made before one is thrown away
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace torchwright
