// Cross entropy of rows of logits with label smoothing, and its gradient, in the logits' own memory.
#pragma once

#include <cstdint>

namespace torchwright::delight {

struct CrossEntropySums {
  double loss = 0;  // (1 - smoothing) nll + smoothing / size * sum over the vocabulary of -log p
  double nll = 0;   // -log p of the target
  int64_t correct = 0;
};

// logits [rows][size]. With `gradient` they become d loss / d logits; else they are only read, and `correct` is
// counted.
template <typename T>
CrossEntropySums cross_entropy(T* logits, const int64_t* targets, int64_t rows, int64_t size, double smoothing,
                               bool gradient);

}  // namespace torchwright::delight
