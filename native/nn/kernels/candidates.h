// The best next tokens of each row of scores.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace torchwright {

struct Candidates {
  int64_t columns;
  std::vector<int32_t> ids;              // [rows, columns], best first
  std::vector<float> log_probabilities;  // of a softmax over the whole vocabulary
};

// scores [rows, vocabulary]. `banned` ids are left out, so there are min(count, vocabulary - banned) columns; with
// `only`, that id alone. Throws ERR_ARGUMENT when none is left, or for ids outside the vocabulary.
Candidates best_candidates(const at::Tensor& scores, int64_t count, const std::vector<int64_t>& banned,
                           std::optional<int64_t> only);

}  // namespace torchwright
