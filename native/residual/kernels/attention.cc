#include "residual/kernels/attention.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <memory>

#include "nn/kernels/gemm.h"
#include "nn/kernels/vector_math.h"

namespace torchwright::residual {

namespace {

using Buffer = std::unique_ptr<float[]>;
Buffer buffer_of(int64_t size) { return Buffer(new float[size]); }

// Softmax of each row over the keys up to its own position; the others become 0.
TORCHWRIGHT_VECTOR_CLONES void causal_softmax(float* scores, const Block& block, int64_t group) {
  const int64_t end = block.end();
  for (int64_t r = 0; r < block.count * group; ++r, scores += end) {
    const int64_t seen = block.begin + r / group + 1;
    const float high = maximum(scores, seen);
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t i = 0; i < seen; ++i) {
      scores[i] = fast_exp(scores[i] - high);
      total += scores[i];
    }
    const float share = 1 / total;
    for (int64_t i = 0; i < seen; ++i) scores[i] *= share;
    std::fill(scores + seen, scores + end, 0.0f);
  }
}

// d := P (d - sum of P d) in each row.
TORCHWRIGHT_VECTOR_CLONES void softmax_gradient(float* d, const float* probabilities, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r, d += columns, probabilities += columns) {
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t i = 0; i < columns; ++i) total += d[i] * probabilities[i];
    for (int64_t i = 0; i < columns; ++i) d[i] = probabilities[i] * (d[i] - total);
  }
}

int64_t largest_block(const Heads& heads) { return heads.blocks[0].count * heads.sizes.group * heads.sizes.time; }

// Probabilities of a block of one matrix, kept ones or those made now in `scratch`.
const float* probabilities(const Heads& heads, const Block& block, int64_t matrix, float* scratch) {
  const auto& [matrices, time, group, width] = heads.sizes;
  const int64_t rows = block.count * group;
  float* to =
      heads.kept == nullptr ? scratch : heads.kept + block.offset * matrices * group + matrix * rows * block.end();
  if (heads.kept != nullptr && heads.filled) return to;
  gemm({.batch = 1,
        .rows = rows,
        .columns = block.end(),
        .depth = width,
        .a = heads.queries + (matrix * time + block.begin) * group * width,
        .a_batch = 0,
        .a_row = width,
        .a_depth = 1,
        .b = heads.transposed_keys + matrix * width * time,
        .b_batch = 0,
        .b_depth = time,
        .c = to,
        .c_batch = 0,
        .c_row = block.end()});
  causal_softmax(to, block, group);
  return to;
}

// c [columns of a, n] (+)= a^T b, all with their rows side by side.
void transposed_product(const float* a, int64_t rows, int64_t columns, const float* b, int64_t n, float* c, bool add) {
  gemm({.batch = 1,
        .rows = columns,
        .columns = n,
        .depth = rows,
        .a = a,
        .a_batch = 0,
        .a_row = 1,
        .a_depth = columns,
        .b = b,
        .b_batch = 0,
        .b_depth = n,
        .c = c,
        .c_batch = 0,
        .c_row = n,
        .add = add});
}

// c [rows, n] = a b with rows of c side by side; b's are `b_depth` apart.
void product(const float* a, int64_t rows, int64_t depth, const float* b, int64_t b_depth, int64_t n, float* c) {
  gemm({.batch = 1,
        .rows = rows,
        .columns = n,
        .depth = depth,
        .a = a,
        .a_batch = 0,
        .a_row = depth,
        .a_depth = 1,
        .b = b,
        .b_batch = 0,
        .b_depth = b_depth,
        .c = c,
        .c_batch = 0,
        .c_row = n});
}

// Multiplications that are worth a thread of their own.
constexpr int64_t kWork = int64_t{1} << 20;

// One matrix a thread where there are enough of them; else one after the other, each product on all threads.
template <typename Body>
void for_matrices(const HeadSizes& sizes, Body body) {
  const int64_t work = sizes.time * sizes.time * sizes.group * sizes.width;
  const bool enough = sizes.matrices >= at::get_num_threads();
  at::parallel_for(0, sizes.matrices, enough ? std::max<int64_t>(1, kWork / work) : sizes.matrices,
                   [&](int64_t begin, int64_t end) {
                     for (int64_t matrix = begin; matrix < end; ++matrix) body(matrix);
                   });
}

}  // namespace

int64_t attention_block(int64_t group) { return std::max<int64_t>(16, 96 / group); }

void attend(const Heads& heads, const float* values, const Rows& out) {
  const auto& [matrices, time, group, width] = heads.sizes;
  const int64_t count = static_cast<int64_t>(heads.blocks.size());
  const int64_t work = heads.blocks[0].count * group * time * width;
  at::parallel_for(0, matrices * count, std::max<int64_t>(1, kWork / work), [&](int64_t begin, int64_t end) {
    const Buffer scratch = buffer_of(heads.kept == nullptr ? largest_block(heads) : 0);
    const Buffer product_rows = buffer_of(heads.blocks[0].count * group * width);
    for (int64_t unit = begin; unit < end; ++unit) {
      // Long blocks and short ones in turns, so that every thread gets as much work.
      const int64_t matrix = unit % matrices, turn = unit / matrices;
      const Block& block = heads.blocks[turn % 2 == 0 ? turn / 2 : count - 1 - turn / 2];
      const float* p = probabilities(heads, block, matrix, scratch.get());
      product(p, block.count * group, block.end(), values + matrix * time * width, width, width, product_rows.get());
      float* to = out.data + matrix / out.kv * out.batch + matrix % out.kv * group * width;
      for (int64_t t = 0; t < block.count; ++t) {
        std::copy_n(product_rows.get() + t * group * width, group * width, to + (block.begin + t) * out.time);
      }
    }
  });
}

void values_gradient(const Heads& heads, const float* dout, float* dvalues) {
  const auto& [matrices, time, group, width] = heads.sizes;
  for_matrices(heads.sizes, [&](int64_t matrix) {
    const Buffer scratch = buffer_of(heads.kept == nullptr ? largest_block(heads) : 0);
    // From the last block, which sees every key, to the first: the first product written is the whole gradient.
    for (auto block = heads.blocks.rbegin(); block != heads.blocks.rend(); ++block) {
      const float* p = probabilities(heads, *block, matrix, scratch.get());
      transposed_product(p, block->count * group, block->end(), dout + (matrix * time + block->begin) * group * width,
                         width, dvalues + matrix * time * width, block != heads.blocks.rbegin());
    }
  });
}

void attention_gradient(const Heads& heads, const float* dout, const float* transposed_values, int64_t depth,
                        const float* own_dout, const Gradients& out) {
  const auto& [matrices, time, group, width] = heads.sizes;
  for_matrices(heads.sizes, [&](int64_t matrix) {
    const Buffer scratch = buffer_of(heads.kept == nullptr ? largest_block(heads) : 0);
    const Buffer gradient = buffer_of(largest_block(heads));
    for (auto block = heads.blocks.rbegin(); block != heads.blocks.rend(); ++block) {
      const int64_t rows = block->count * group, first = (matrix * time + block->begin) * group;
      const int64_t columns = matrix * time * width;
      const bool add = block != heads.blocks.rbegin();
      const float* p = probabilities(heads, *block, matrix, scratch.get());
      transposed_product(p, rows, block->end(), own_dout + first * width, width, out.values + columns, add);
      float* d = gradient.get();
      product(dout + first * depth, rows, depth, transposed_values + matrix * depth * time, time, block->end(), d);
      softmax_gradient(d, p, rows, block->end());
      product(d, rows, block->end(), heads.keys + columns, width, width, out.queries + first * width);
      transposed_product(d, rows, block->end(), heads.queries + first * width, width, out.keys + columns, add);
    }
  });
}

}  // namespace torchwright::residual
