#include "residual/attend.h"

#include <ATen/ATen.h>

#include <limits>

#include "nn/kernels/gemm.h"
#include "residual/kernels/attention.h"

namespace torchwright::residual {

namespace {

// On the CPU small blocks save most of the forbidden half; a GPU is better served by few large products.
std::vector<Block> blocks_for(const at::Tensor& like, int64_t time, int64_t group) {
  if (!like.device().is_cpu()) return blocks_of(time, 1024);
  if (attends_in_cache(like)) return blocks_of(time, attention_block(group));
  return blocks_of(time, time <= 256 ? 64 : 128);
}

struct Shape {
  int64_t matrices, time, group, width;
  std::vector<Block> blocks;
};

Shape shape_of(const ProbabilitySource& source) {
  const int64_t time = source.keys.size(1), group = source.queries.size(1) / time;
  return {source.keys.size(0), time, group, source.keys.size(2), blocks_for(source.keys, time, group)};
}

Heads heads_of(const ProbabilitySource& source, const Shape& shape) {
  return {{shape.matrices, shape.time, shape.group, shape.width},
          shape.blocks,
          source.queries.const_data_ptr<float>(),
          source.keys.const_data_ptr<float>(),
          source.transposed_keys.const_data_ptr<float>(),
          source.kept.defined() ? static_cast<float*>(source.kept.data_ptr()) : nullptr,
          source.filled};
}

// Rows of a block in a tensor of [batch * K, time * G, ...].
at::Tensor rows(const at::Tensor& x, const Block& block, int64_t group) {
  return x.narrow(1, block.begin * group, block.count * group);
}

// Forbids, in scores [batch * K, count * G, end], the keys after each row's own position: they lie in the last `count`.
void forbid_future(const at::Tensor& scores, const Block& block, int64_t group) {
  if (block.count == 1) return;
  const at::Tensor mask =
      at::full({block.count, block.count}, -std::numeric_limits<double>::infinity(), scores.options()).triu_(1);
  scores.view({scores.size(0), block.count, group, block.end()})
      .narrow(3, block.begin, block.count)
      .add_(mask.unsqueeze(1));
}

at::Tensor probabilities(const ProbabilitySource& source, const Shape& shape, const Block& block) {
  at::Tensor kept;
  if (source.kept.defined()) {
    const int64_t lines = shape.matrices * shape.group;
    kept = source.kept.narrow(0, block.offset * lines, block.count * block.end() * lines)
               .view({shape.matrices, block.count * shape.group, block.end()});
    if (source.filled) return kept;
  }
  const at::Tensor scores =
      at::bmm(rows(source.queries, block, shape.group), source.keys.narrow(1, 0, block.end()).transpose(1, 2));
  forbid_future(scores, block, shape.group);
  if (!kept.defined()) return at::_softmax(scores, -1, /*half_to_float=*/false);
  // Data alone: filling what is kept is no change that autograd need know of.
  at::Tensor data = kept.variable_data();
  at::_softmax_out(data, scores, -1, /*half_to_float=*/false);
  return kept;
}

}  // namespace

bool attends_in_cache(const at::Tensor& like) {
  return like.device().is_cpu() && like.scalar_type() == at::kFloat && gemm_supported();
}

int64_t kept_elements(int64_t batch, int64_t heads, int64_t time, const at::Tensor& like) {
  return batch * heads * scores_of(blocks_for(like, time, 1));
}

ProbabilitySource make_source(const at::Tensor& queries, const at::Tensor& keys, bool keep) {
  ProbabilitySource source{queries, keys, {}, {}};
  if (attends_in_cache(keys)) source.transposed_keys = keys.transpose(1, 2).contiguous();
  if (keep) {
    const Shape shape = shape_of(source);
    source.kept = at::empty({shape.matrices * shape.group * scores_of(shape.blocks)}, queries.options());
  }
  return source;
}

void attend(const ProbabilitySource& source, const at::Tensor& values, const at::Tensor& out) {
  const Shape shape = shape_of(source);
  const int64_t batch = out.size(0), kv = out.size(2);
  if (attends_in_cache(source.keys)) {
    attend(heads_of(source, shape), values.const_data_ptr<float>(),
           Rows{out.mutable_data_ptr<float>(), kv, out.stride(0), out.stride(1)});
    return;
  }
  for (const Block& block : shape.blocks) {
    const at::Tensor product = at::bmm(probabilities(source, shape, block), values.narrow(1, 0, block.end()));
    out.narrow(1, block.begin, block.count)
        .copy_(product.view({batch, kv, block.count, shape.group, shape.width}).transpose(1, 2));
  }
}

at::Tensor values_gradient(const ProbabilitySource& source, const at::Tensor& dout) {
  const Shape shape = shape_of(source);
  at::Tensor dvalues = at::empty_like(source.keys);
  if (attends_in_cache(source.keys)) {
    values_gradient(heads_of(source, shape), dout.const_data_ptr<float>(), dvalues.mutable_data_ptr<float>());
    return dvalues;
  }
  // From the last block, which sees every key, to the first: the first product written is the whole gradient.
  for (auto block = shape.blocks.rbegin(); block != shape.blocks.rend(); ++block) {
    const at::Tensor part =
        at::bmm(probabilities(source, shape, *block).transpose(1, 2), rows(dout, *block, shape.group));
    at::Tensor to = dvalues.narrow(1, 0, block->end());
    block == shape.blocks.rbegin() ? to.copy_(part) : to.add_(part);
  }
  return dvalues;
}

AttentionGradients attention_gradient(const ProbabilitySource& source, const std::vector<at::Tensor>& douts,
                                      const std::vector<at::Tensor>& values) {
  const Shape shape = shape_of(source);
  AttentionGradients out{at::empty_like(source.queries), at::empty_like(source.keys), at::empty_like(source.keys)};
  const at::Tensor &own = douts.back(), dout = douts.size() == 1 ? own : at::cat(douts, 2);
  if (attends_in_cache(source.keys)) {
    std::vector<at::Tensor> transposed;
    for (const at::Tensor& value : values) transposed.push_back(value.transpose(1, 2));
    const at::Tensor all = at::cat(transposed, 1);
    attention_gradient(heads_of(source, shape), dout.const_data_ptr<float>(), all.const_data_ptr<float>(), all.size(1),
                       own.const_data_ptr<float>(),
                       Gradients{out.queries.mutable_data_ptr<float>(), out.keys.mutable_data_ptr<float>(),
                                 out.values.mutable_data_ptr<float>()});
    return out;
  }
  const at::Tensor all = values.size() == 1 ? values[0] : at::cat(values, 2);
  for (auto block = shape.blocks.rbegin(); block != shape.blocks.rend(); ++block) {
    const at::Tensor p = probabilities(source, shape, *block);
    const auto put = [&](const at::Tensor& whole, const at::Tensor& part) {
      const at::Tensor to = whole.narrow(1, 0, block->end());
      block == shape.blocks.rbegin() ? to.copy_(part) : to.add_(part);
    };
    put(out.values, at::bmm(p.transpose(1, 2), rows(own, *block, shape.group)));
    const at::Tensor dp = at::bmm(rows(dout, *block, shape.group), all.narrow(1, 0, block->end()).transpose(1, 2));
    const at::Tensor ds = at::_softmax_backward_data(dp, p, -1, p.scalar_type());
    rows(out.queries, *block, shape.group).copy_(at::bmm(ds, source.keys.narrow(1, 0, block->end())));
    put(out.keys, at::bmm(ds.transpose(1, 2), rows(source.queries, *block, shape.group)));
  }
  return out;
}

}  // namespace torchwright::residual
