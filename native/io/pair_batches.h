// Batches of sentence pairs of two token files, as an encoder-decoder takes them.
#pragma once

#include <c10/core/Device.h>

#include <deque>
#include <memory>
#include <vector>

#include "io/prefetch.h"
#include "io/token_file.h"

namespace torchwright {

// The sentences of one language, back to back in a token file, without end marks.
struct Sentences {
  std::shared_ptr<const TokenFile> tokens;
  std::vector<int64_t> offsets;  // sentence i is the tokens from offsets[i] up to offsets[i + 1]

  int64_t count() const { return static_cast<int64_t>(offsets.size()) - 1; }
  int64_t length(int64_t sentence) const { return offsets[sentence + 1] - offsets[sentence]; }
};

struct PairBatchesOptions {
  Sentences source, target;
  int64_t padding_id;
  int64_t eos_id;
  at::Device device;
};

// The inputs are, int64: the source with an end mark, padded on the left; the decoder's input, which is the target
// behind an end mark, padded on the right; and what it is to predict, the target with an end mark behind it, padded on
// the right. Which sentences make a batch is the caller's plan.
class PairBatches : public Batches {
 public:
  explicit PairBatches(PairBatchesOptions options);

  // Throws ERR_DATA when no batch is queued.
  Batch next(const CancelFlag& cancel) override;

  // Appends batches: `order` holds sentence numbers, `ends` the exclusive end of each batch in it. Throws ERR_ARGUMENT,
  // and queues nothing, for a sentence that does not exist or a batch without one.
  void queue(std::vector<int64_t> order, const std::vector<int64_t>& ends);

 private:
  Batch make(const std::vector<int64_t>& sentences) const;

  PairBatchesOptions options_;
  std::deque<std::vector<int64_t>> queued_;
  Prefetch prefetch_;
};

}  // namespace torchwright
