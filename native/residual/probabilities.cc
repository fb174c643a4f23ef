#include "residual/probabilities.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/graph_task.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "residual/precision.h"

namespace torchwright::residual {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Gradients = c10::intrusive_ptr<ProbabilityGradients>;

// Positions [begin, begin + count) of one block of query rows; it sees the keys [0, end).
struct Block {
  int64_t begin;
  int64_t count;
  int64_t end() const { return begin + count; }
};

// On the CPU small blocks save most of the forbidden half; a GPU is better served by few large products.
std::vector<Block> blocks_of(int64_t time, c10::DeviceType device) {
  const int64_t size = device != at::kCPU ? 1024 : time <= 256 ? 64 : 128;
  std::vector<Block> blocks;
  for (int64_t begin = 0; begin < time; begin += size) blocks.push_back({begin, std::min(size, time - begin)});
  return blocks;
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

// The sums of the backward pass that is running, empty at its first use.
std::vector<at::Tensor>& current_sums(const c10::IValue& capsule) {
  auto& gradients = static_cast<ProbabilityGradients&>(*capsule.toCapsule());
  const int task = torch::autograd::get_current_graph_task_id();
  if (gradients.task != task) gradients.blocks.clear();
  gradients.task = task;
  return gradients.blocks;
}

struct CausalProbabilities : torch::autograd::Function<CausalProbabilities> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& queries, const at::Tensor& keys,
                            std::vector<at::Tensor>* kept, const Gradients& gradients) {
    const int64_t time = keys.size(1), group = queries.size(1) / time;
    variable_list saved = {queries, keys};
    for (const Block& block : blocks_of(time, keys.device().type())) {
      const at::Tensor scores = at::bmm(rows(queries, block, group), keys.narrow(1, 0, block.end()).transpose(1, 2));
      forbid_future(scores, block, group);
      kept->push_back(at::_softmax(scores, -1, /*half_to_float=*/false));
      saved.push_back(kept->back());
    }
    context->save_for_backward(saved);
    context->saved_data["gradients"] = c10::IValue::make_capsule(gradients);
    context->set_materialize_grads(false);
    return at::empty({0}, queries.options());
  }

  static variable_list backward(AutogradContext* context, const variable_list& /*grads: only marks the order*/) {
    const auto guard = autocast_off();
    const auto saved = context->get_saved_variables();
    const at::Tensor &queries = saved[0], &keys = saved[1];
    auto gradients = std::exchange(current_sums(context->saved_data["gradients"]), {});
    if (gradients.empty()) return {at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};

    const int64_t time = keys.size(1), group = queries.size(1) / time;
    const auto blocks = blocks_of(time, keys.device().type());
    at::Tensor dq = at::empty_like(queries), dk;
    // From the last block, which sees every key, to the first: the first product written is the whole of dk.
    for (size_t i = blocks.size(); i-- > 0;) {
      const Block& block = blocks[i];
      const at::Tensor& probabilities = saved[2 + i];
      const at::Tensor ds = at::_softmax_backward_data(gradients[i], probabilities, -1, probabilities.scalar_type());
      gradients[i].reset();
      rows(dq, block, group).copy_(at::bmm(ds, keys.narrow(1, 0, block.end())));
      const at::Tensor part = at::bmm(ds.transpose(1, 2), rows(queries, block, group));
      if (dk.defined())
        dk.narrow(1, 0, block.end()).add_(part);
      else
        dk = part;
    }
    return {dq, dk, at::Tensor(), at::Tensor()};
  }
};

// Everything about the probabilities that is not a tensor of the graph.
struct Uses {
  const std::vector<Probabilities>& kept;
  int64_t kv_heads;
};

struct ApplyProbabilities : torch::autograd::Function<ApplyProbabilities> {
  static at::Tensor forward(AutogradContext* context, at::TensorList tokens, const at::Tensor& values,
                            const Uses* uses) {
    const int64_t count = static_cast<int64_t>(tokens.size()), kv = uses->kv_heads;
    const int64_t batch = values.size(0), time = values.size(1), width = values.size(2) / (count * kv);
    const auto blocks = blocks_of(time, values.device().type());
    const int64_t group = uses->kept[0].blocks[0].size(1) / blocks[0].count;

    // [count, batch * K, time, width]: each part one contiguous batch of matrices
    const at::Tensor parts = values.view({batch, time, count, kv, width})
                                 .permute({2, 0, 3, 1, 4})
                                 .contiguous()
                                 .view({count, batch * kv, time, width});
    at::Tensor out = at::empty({batch, time, count, kv, group, width}, values.options());
    variable_list saved = {parts};
    c10::List<c10::IValue> gradients(c10::AnyType::get());
    for (int64_t i = 0; i < count; ++i) {
      const Probabilities& kept = uses->kept[i];
      for (size_t b = 0; b < blocks.size(); ++b) {
        const at::Tensor product = at::bmm(kept.blocks[b], parts[i].narrow(1, 0, blocks[b].end()));
        out.narrow(1, blocks[b].begin, blocks[b].count)
            .select(2, i)
            .copy_(product.view({batch, kv, blocks[b].count, group, width}).transpose(1, 2));
        saved.push_back(kept.blocks[b]);
      }
      gradients.push_back(c10::IValue::make_capsule(kept.gradients));
    }
    context->save_for_backward(saved);
    context->saved_data["gradients"] = gradients;
    context->saved_data["sizes"] = out.sizes();
    return out.view({batch * time, count * kv * group * width});
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto guard = autocast_off();
    const auto saved = context->get_saved_variables();
    const at::Tensor& parts = saved[0];
    const auto gradients = context->saved_data["gradients"].toList();
    const auto sizes = context->saved_data["sizes"].toIntVector();
    const int64_t batch = sizes[0], time = sizes[1], count = sizes[2], kv = sizes[3], group = sizes[4],
                  width = sizes[5];
    const auto blocks = blocks_of(time, parts.device().type());

    const at::Tensor dout = grads[0].reshape({batch, time, count, kv, group, width});
    at::Tensor dvalues = at::empty({batch, time, count, kv, width}, parts.options());
    for (int64_t i = 0; i < count; ++i) {
      auto& sums = current_sums(gradients.get(i));
      const bool wanted = context->needs_input_grad(i);
      const bool first = sums.empty();
      if (wanted && first) sums.resize(blocks.size());
      at::Tensor dv;
      for (size_t b = blocks.size(); b-- > 0;) {
        const Block& block = blocks[b];
        const at::Tensor& probabilities = saved[1 + i * blocks.size() + b];
        const at::Tensor dproduct = dout.narrow(1, block.begin, block.count)
                                        .select(2, i)
                                        .transpose(1, 2)
                                        .reshape({batch * kv, block.count * group, width});
        const at::Tensor seen = parts[i].narrow(1, 0, block.end()).transpose(1, 2);
        if (wanted && first)
          sums[b] = at::bmm(dproduct, seen);
        else if (wanted)
          sums[b].baddbmm_(dproduct, seen);
        const at::Tensor part = at::bmm(probabilities.transpose(1, 2), dproduct);
        if (dv.defined())
          dv.narrow(1, 0, block.end()).add_(part);
        else
          dv = part;
      }
      dvalues.select(2, i).copy_(dv.view({batch, kv, time, width}).transpose(1, 2));
    }
    variable_list result(count + 2);
    result[count] = dvalues.view({batch, time, count * kv * width});
    return result;
  }
};

}  // namespace

Probabilities causal_probabilities(const at::Tensor& queries, const at::Tensor& keys) {
  Probabilities kept{{}, {}, c10::make_intrusive<ProbabilityGradients>()};
  kept.token = CausalProbabilities::apply(queries, keys, &kept.blocks, kept.gradients);
  return kept;
}

at::Tensor apply_probabilities(const std::vector<Probabilities>& kept, const at::Tensor& values, int64_t kv_heads) {
  std::vector<at::Tensor> tokens;
  for (const Probabilities& one : kept) tokens.push_back(one.token);
  const Uses uses{kept, kv_heads};
  return ApplyProbabilities::apply(at::TensorList(tokens), values, &uses);
}

}  // namespace torchwright::residual
