// Transforms in a row, computed together: batched matrix products, and between them one pass over memory.
#pragma once

#include <vector>

#include "delight/linear.h"

namespace torchwright::delight {

// One transform of the row.
struct Stage {
  at::Tensor weights, bias;
  int64_t groups;
  bool shuffle;
  bool dense;  // weights [out, in] instead of [groups, in / groups, out / groups]
  const Finish* finish;

  static Stage of(const GroupLinear& layer);
  static Stage of(const Linear& layer);

  int64_t in() const { return dense ? weights.size(1) : groups * weights.size(1); }
  int64_t out() const { return dense ? weights.size(0) : groups * weights.size(2); }
};

// rows [N, in] -> [N, out].
at::Tensor group_linear(const Stage& stage, const at::Tensor& rows, bool training);

// The DeLighT transformation. The first stage gives u; the second takes u; every further one takes u mixed with the
// output of the one before, group by group. rows [N, in] -> [N, out].
at::Tensor transform(const std::vector<Stage>& stages, const at::Tensor& rows, bool training);

}  // namespace torchwright::delight
