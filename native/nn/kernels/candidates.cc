#include "nn/kernels/candidates.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "nn/kernels/log_sum.h"
#include "nn/kernels/vector_math.h"
#include "runtime/errors.h"

namespace torchwright {

namespace {

struct Entry {
  float score;
  int32_t id;
};
// Higher scores come first, of equal ones the lower id.
bool better(const Entry& a, const Entry& b) { return a.score > b.score || (a.score == b.score && a.id < b.id); }

constexpr int64_t kBlock = 64;

// The largest of each block of a row.
TORCHWRIGHT_VECTOR_CLONES void block_maxima(const float* x, int64_t size, float* maxima) {
  for (int64_t first = 0; first < size; first += kBlock) {
    maxima[first / kBlock] = maximum(x + first, std::min(kBlock, size - first));
  }
}

// Writes the best `count` of a row, best first, into `best`.
void select(const float* x, int64_t size, int64_t count, const std::vector<bool>& banned, std::vector<Entry>& best) {
  std::vector<float> maxima((size + kBlock - 1) / kBlock);
  block_maxima(x, size, maxima.data());
  best.clear();
  // A heap whose front is the worst kept.
  const auto hopeless = [&](float score) {
    return static_cast<int64_t>(best.size()) == count && !(score > best.front().score);
  };
  for (int64_t first = 0; first < size; first += kBlock) {
    if (hopeless(maxima[first / kBlock])) continue;
    for (int64_t id = first; id < std::min(first + kBlock, size); ++id) {
      if (hopeless(x[id]) || banned[id]) continue;
      if (static_cast<int64_t>(best.size()) == count) {
        std::pop_heap(best.begin(), best.end(), better);
        best.pop_back();
      }
      best.push_back({x[id], static_cast<int32_t>(id)});
      std::push_heap(best.begin(), best.end(), better);
    }
  }
  std::sort(best.begin(), best.end(), better);
}

void refuse_outside(int64_t id, int64_t vocabulary) {
  if (id >= 0 && id < vocabulary) return;
  throw Error(code::kArgument,
              "the id " + std::to_string(id) + " is outside the vocabulary of " + std::to_string(vocabulary));
}

}  // namespace

Candidates best_candidates(const at::Tensor& scores, int64_t count, const std::vector<int64_t>& banned_ids,
                           std::optional<int64_t> only) {
  const at::Tensor all = scores.to(at::kCPU, at::kFloat).contiguous();
  const int64_t rows = all.size(0), size = all.size(1);
  const float* data = all.const_data_ptr<float>();
  std::vector<bool> banned(size, false);
  for (const int64_t id : banned_ids) {
    refuse_outside(id, size);
    banned[id] = true;
  }
  const auto free = static_cast<int64_t>(std::count(banned.begin(), banned.end(), false));
  if (only) refuse_outside(*only, size);
  Candidates result{only ? 1 : std::min(count, free), {}, {}};
  if (result.columns < 1)
    throw Error(code::kArgument, "every id of the vocabulary is banned, or no candidate is wanted");
  result.ids.resize(rows * result.columns);
  result.log_probabilities.resize(rows * result.columns);
  at::parallel_for(0, rows, std::max<int64_t>(1, 262144 / size), [&](int64_t begin, int64_t end) {
    std::vector<Entry> best;
    for (int64_t row = begin; row < end; ++row) {
      const float* x = data + row * size;
      const float norm = log_sum(x, size);
      if (only) {
        best.assign(1, {x[*only], static_cast<int32_t>(*only)});
      } else {
        select(x, size, result.columns, banned, best);
      }
      for (size_t i = 0; i < best.size(); ++i) {
        result.ids[row * result.columns + i] = best[i].id;
        result.log_probabilities[row * result.columns + i] = best[i].score - norm;
      }
    }
  });
  return result;
}

}  // namespace torchwright
