// Draws the next token of each row of scores.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace torchwright {

// Applied in this order, as Hugging Face's transformers does.
struct SamplingRule {
  double repetition_penalty;  // scores of seen tokens are divided by it where positive, multiplied where negative
  double temperature;         // 0: the best token is taken
  int64_t top_k;              // 0: no limit; tokens as good as the last one stay
  double top_p;               // the fewest of the best tokens that have this share of the probability
  double min_p;               // only tokens at least so likely as this share of the likeliest
};

struct Sampling {
  SamplingRule rule;
  std::vector<double> random;      // from 0 to before 1, of each row
  std::vector<int32_t> seen;       // the tokens that each row has seen, each once, row by row
  std::vector<int32_t> seen_ends;  // where each row's end in `seen`
  std::vector<int64_t> banned;
};

struct Drawn {
  std::vector<int32_t> ids;              // [rows]
  std::vector<float> log_probabilities;  // of a softmax over the scores as they came
};

// scores [rows, vocabulary]. Throws ERR_ARGUMENT for a rule that makes no sense, ids outside the vocabulary, and when
// every token is banned.
Drawn draw_tokens(const at::Tensor& scores, const Sampling& sampling);

}  // namespace torchwright
