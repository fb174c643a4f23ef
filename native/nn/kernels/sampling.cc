#include "nn/kernels/sampling.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <functional>
#include <limits>

#include "nn/kernels/log_sum.h"
#include "nn/kernels/vector_math.h"
#include "runtime/errors.h"

namespace torchwright {

namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

// exp((x - high) / temperature); what cannot come out has exactly 0.
TORCHWRIGHT_VECTOR_CLONES void weigh(const float* x, int64_t size, float high, float inverse_temperature,
                                     float* weights) {
  for (int64_t i = 0; i < size; ++i) {
    const float exponent = (x[i] - high) * inverse_temperature;
    weights[i] = exponent < -87.0f ? 0.0f : fast_exp(exponent);
  }
}

// Tokens whose weight is above `least` may come out, and of those that have it the first `ties`.
struct Kept {
  float least;
  int64_t ties;
};

// The best tokens that have `share` of the weight which tokens of at least `least` have, as few as do.
Kept keep_mass(const std::vector<float>& weights, float least, double share) {
  double total = 0;
  for (const float weight : weights) total += weight >= least ? weight : 0;
  const double wanted = share * total;
  // All that are below this have less than the rest of the weight together, so the others have enough.
  const double enough = 0.999 * (1 - share) * total / static_cast<double>(weights.size());
  std::vector<float> sorted;
  for (const float weight : weights) {
    if (weight >= least && weight >= enough) sorted.push_back(weight);
  }
  double mass = 0;
  // A few tokens have most of the weight as a rule, so only the best are sorted, then more of them.
  int64_t done = 0;
  const auto size = static_cast<int64_t>(sorted.size());
  for (int64_t part = 64; done < size; part *= 8) {
    const int64_t end = std::min(size, done + part);
    if (end < size) std::nth_element(sorted.begin() + done, sorted.begin() + end, sorted.end(), std::greater<>());
    std::sort(sorted.begin() + done, sorted.begin() + end, std::greater<>());
    for (; done < end; ++done) {
      mass += sorted[done];
      if (mass < wanted) continue;
      const float last = sorted[done];
      const auto first = std::lower_bound(sorted.begin(), sorted.begin() + done, last, std::greater<>());
      return {last, done + 1 - (first - sorted.begin())};
    }
  }
  return {least, size};
}

class Row {
 public:
  Row(const float* scores, int64_t size) : scores_(scores, scores + size) {}

  void ban(const std::vector<int64_t>& ids) {
    for (const int64_t id : ids) scores_[id] = kNever;
  }

  void penalise(const int32_t* begin, const int32_t* end, float penalty) {
    for (const int32_t* id = begin; id < end; ++id) {
      float& score = scores_[*id];
      score = score < 0 ? score * penalty : score / penalty;
    }
  }

  // The lowest id of the best score. Throws ERR_ARGUMENT where none may come out.
  int32_t best() const {
    const float high = maximum(scores_.data(), static_cast<int64_t>(scores_.size()));
    if (std::all_of(scores_.begin(), scores_.end(), [](float score) { return score == kNever; })) {
      throw Error(code::kArgument, "every id of the vocabulary is banned");
    }
    const auto found = std::find(scores_.begin(), scores_.end(), high);
    return found == scores_.end() ? 0 : static_cast<int32_t>(found - scores_.begin());  // none: nothing is a number
  }

  int32_t draw(const SamplingRule& rule, double random) {
    const auto size = static_cast<int64_t>(scores_.size());
    std::vector<float> weights(size);
    int32_t drawn = best();
    weigh(scores_.data(), size, scores_[drawn], static_cast<float>(1 / rule.temperature), weights.data());
    const Kept kept = filter(weights, rule);
    double total = 0;
    each(weights, kept, [&](int64_t, float weight) {
      total += weight;
      return false;
    });
    double left = random * total;
    each(weights, kept, [&](int64_t id, float weight) {
      drawn = static_cast<int32_t>(id);  // rounding may leave the sum a little above
      return (left -= weight) < 0;
    });
    return drawn;
  }

 private:
  static Kept filter(const std::vector<float>& weights, const SamplingRule& rule) {
    const auto size = static_cast<int64_t>(weights.size());
    Kept kept{std::numeric_limits<float>::min(), size};
    if (rule.top_k > 0 && rule.top_k < size) {
      std::vector<float> sorted = weights;
      std::nth_element(sorted.begin(), sorted.begin() + rule.top_k - 1, sorted.end(), std::greater<>());
      kept.least = std::max(kept.least, sorted[rule.top_k - 1]);
    }
    if (rule.top_p < 1) kept = keep_mass(weights, kept.least, rule.top_p);
    // The likeliest token's weight is 1.
    const auto least = static_cast<float>(rule.min_p);
    return least > kept.least ? Kept{least, size} : kept;
  }

  // Calls `use(id, weight)` for each token that may come out until it returns true.
  template <typename Use>
  static void each(const std::vector<float>& weights, const Kept& kept, Use use) {
    int64_t ties = kept.ties;
    for (size_t id = 0; id < weights.size(); ++id) {
      if (!(weights[id] >= kept.least)) continue;
      if (weights[id] == kept.least && ties-- <= 0) continue;
      if (use(static_cast<int64_t>(id), weights[id])) return;
    }
  }

  std::vector<float> scores_;
};

[[noreturn]] void refuse(const std::string& message) { throw Error(code::kArgument, message); }

void check(const Sampling& sampling, int64_t rows, int64_t size) {
  const SamplingRule& rule = sampling.rule;
  if (!(rule.temperature >= 0) || !(rule.repetition_penalty > 0) || rule.top_k < 0 || !(rule.top_p > 0) ||
      !(rule.min_p >= 0 && rule.min_p <= 1)) {
    refuse("a temperature, penalty, topK, topP or minP is out of its range");
  }
  const auto ends = static_cast<int64_t>(sampling.seen_ends.size());
  if (static_cast<int64_t>(sampling.random.size()) != rows || (ends != rows && ends != 0)) {
    refuse("random numbers and seen tokens are needed for each of the " + std::to_string(rows) + " rows");
  }
  int32_t begin = 0;
  for (const int32_t end : sampling.seen_ends) {
    if (end < begin || end > static_cast<int64_t>(sampling.seen.size()))
      refuse("the seen tokens' ends are out of order");
    begin = end;
  }
  const auto inside = [&](int64_t id) {
    if (id < 0 || id >= size) {
      refuse("the id " + std::to_string(id) + " is outside the vocabulary of " + std::to_string(size));
    }
  };
  for (const int32_t id : sampling.seen) inside(id);
  for (const int64_t id : sampling.banned) inside(id);
}

}  // namespace

Drawn draw_tokens(const at::Tensor& scores, const Sampling& sampling) {
  if (scores.dim() != 2 || scores.numel() == 0) refuse("scores must be [rows, vocabulary]");
  const at::Tensor all = scores.detach().to(at::kCPU, at::kFloat).contiguous();
  const int64_t rows = all.size(0), size = all.size(1);
  check(sampling, rows, size);
  const SamplingRule& rule = sampling.rule;
  Drawn drawn{std::vector<int32_t>(rows), std::vector<float>(rows)};
  at::parallel_for(0, rows, std::max<int64_t>(1, 65536 / size), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* x = all.const_data_ptr<float>() + r * size;
      Row row(x, size);
      if (!sampling.seen_ends.empty()) {
        const int32_t* seen = sampling.seen.data();
        row.penalise(seen + (r == 0 ? 0 : sampling.seen_ends[r - 1]), seen + sampling.seen_ends[r],
                     static_cast<float>(rule.repetition_penalty));
      }
      row.ban(sampling.banned);
      drawn.ids[r] = rule.temperature == 0 ? row.best() : row.draw(rule, sampling.random[r]);
      drawn.log_probabilities[r] = x[drawn.ids[r]] - log_sum(x, size);
    }
  });
  return drawn;
}

}  // namespace torchwright
