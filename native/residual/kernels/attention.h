// Causal attention of float32 heads on a CPU: a block's scores, its softmax and the product with the values are made
// one after the other while they lie in a core's cache.
#pragma once

#include <cstdint>
#include <vector>

#include "residual/blocks.h"

namespace torchwright::residual {

// Matrices of heads: `group` query heads share a key-value head, and row t * group + g is position t of head g.
struct HeadSizes {
  int64_t matrices, time, group, width;
};

// What probabilities are made from, or, where they are kept and `filled`, read from.
struct Heads {
  HeadSizes sizes;
  const std::vector<Block>& blocks;
  const float* queries;          // [matrices, time * group, width], scaled
  const float* keys;             // [matrices, time, width]
  const float* transposed_keys;  // [matrices, width, time]
  float* kept;                   // of each block [matrices, count * group, end]; null where they are not kept
  bool filled;
};

// Where rows of `group * width` go: those of matrix m, position t to data + m / kv * batch + t * time + m % kv * group
// * width.
struct Rows {
  float* data;
  int64_t kv, batch, time;
};

// Positions of a block whose scores fit a core's cache.
int64_t attention_block(int64_t group);

// P values, with values [matrices, time, width]; fills what is kept and not filled.
void attend(const Heads& heads, const float* values, const Rows& out);

// P^T d, with d [matrices, time * group, width], into dvalues [matrices, time, width].
void values_gradient(const Heads& heads, const float* dout, float* dvalues);

// All gradients at once, for a layer whose probabilities had other uses, too: dP = d V^T with the `depth` channels of
// all uses side by side, d [matrices, time * group, depth] and transposed values [matrices, depth, time]; P^T own as
// above.
struct Gradients {
  float *queries, *keys, *values;
};
void attention_gradient(const Heads& heads, const float* dout, const float* transposed_values, int64_t depth,
                        const float* own_dout, const Gradients& out);

}  // namespace torchwright::residual
