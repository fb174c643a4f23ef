#include "residual/probabilities.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/graph_task.h>

#include <utility>

#include "residual/attend.h"
#include "residual/precision.h"

namespace torchwright::residual {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Uses = c10::intrusive_ptr<ProbabilityUses>;

constexpr size_t kSourceTensors = 4;

void save(variable_list& saved, const ProbabilitySource& source) {
  saved.insert(saved.end(), {source.queries, source.keys, source.transposed_keys, source.kept});
}

// By the time of a backward pass, what is kept has been filled.
ProbabilitySource source_at(const variable_list& saved, size_t first) {
  return {saved[first], saved[first + 1], saved[first + 2], saved[first + 3], /*filled=*/true};
}

thread_local int outer_backward = -1;

// The uses of the backward pass that is running, empty at its first use.
ProbabilityUses& current_uses(const c10::IValue& capsule) {
  auto& uses = static_cast<ProbabilityUses&>(*capsule.toCapsule());
  if (uses.task != current_backward()) {
    uses.douts.clear();
    uses.values.clear();
    uses.dqueries = uses.dkeys = at::Tensor();
  }
  uses.task = current_backward();
  return uses;
}

struct CausalProbabilities : torch::autograd::Function<CausalProbabilities> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& queries, const at::Tensor& keys,
                            const Uses& uses) {
    (void)keys;
    context->saved_data["uses"] = c10::IValue::make_capsule(uses);
    context->set_materialize_grads(false);
    return at::empty({0}, queries.options());
  }

  static variable_list backward(AutogradContext* context, const variable_list& /*grads: only marks the order*/) {
    const auto guard = autocast_off();
    auto& uses = current_uses(context->saved_data["uses"]);
    at::Tensor dqueries = std::exchange(uses.dqueries, at::Tensor()), dkeys = std::exchange(uses.dkeys, at::Tensor());
    return {dqueries, dkeys, at::Tensor()};
  }
};

// Everything about the probabilities that is not a tensor of the graph.
struct Kept {
  const std::vector<Probabilities>& all;
  int64_t kv_heads;
  bool own;
};

struct ApplyProbabilities : torch::autograd::Function<ApplyProbabilities> {
  static at::Tensor forward(AutogradContext* context, at::TensorList tokens, const at::Tensor& values,
                            const Kept* kept) {
    const int64_t count = static_cast<int64_t>(tokens.size()), kv = kept->kv_heads;
    const int64_t batch = values.size(0), time = values.size(1), width = values.size(2) / (count * kv);
    const int64_t group = kept->all[0].source->queries.size(1) / time;

    // [count, batch * K, time, width]: each part one contiguous batch of matrices
    const at::Tensor parts = values.view({batch, time, count, kv, width})
                                 .permute({2, 0, 3, 1, 4})
                                 .contiguous()
                                 .view({count, batch * kv, time, width});
    at::Tensor out = at::empty({batch, time, count, kv, group, width}, values.options());
    variable_list saved = {parts};
    c10::List<c10::IValue> uses(c10::AnyType::get());
    for (int64_t i = 0; i < count; ++i) {
      ProbabilitySource& source = *kept->all[i].source;
      attend(source, parts[i], out.select(2, i));
      source.filled = source.kept.defined();
      save(saved, source);
      uses.push_back(c10::IValue::make_capsule(kept->all[i].uses));
    }
    context->save_for_backward(saved);
    context->saved_data["uses"] = uses;
    context->saved_data["sizes"] = out.sizes();
    context->saved_data["own"] = kept->own;
    return out.view({batch * time, count * kv * group * width});
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto guard = autocast_off();
    const auto saved = context->get_saved_variables();
    const at::Tensor& parts = saved[0];
    const auto capsules = context->saved_data["uses"].toList();
    const auto sizes = context->saved_data["sizes"].toIntVector();
    const int64_t batch = sizes[0], time = sizes[1], count = sizes[2], kv = sizes[3], group = sizes[4],
                  width = sizes[5];

    const at::Tensor dout = grads[0].reshape(sizes);
    at::Tensor dvalues = at::empty({batch, time, count, kv, width}, parts.options());
    for (int64_t i = 0; i < count; ++i) {
      const at::Tensor rows = dout.select(2, i).transpose(1, 2).reshape({batch * kv, time * group, width});
      const ProbabilitySource source = source_at(saved, 1 + i * kSourceTensors);
      auto& uses = current_uses(capsules.get(i));
      const bool wanted = context->needs_input_grad(i);
      if (wanted) {
        uses.douts.push_back(rows);
        uses.values.push_back(parts[i]);
      }
      at::Tensor dv;
      if (wanted && context->saved_data["own"].toBool() && i == count - 1) {
        AttentionGradients all =
            attention_gradient(source, std::exchange(uses.douts, {}), std::exchange(uses.values, {}));
        uses.dqueries = all.queries;
        uses.dkeys = all.keys;
        dv = all.values;
      } else {
        dv = values_gradient(source, rows);
      }
      dvalues.select(2, i).copy_(dv.view({batch, kv, time, width}).transpose(1, 2));
    }
    variable_list result(count + 2);
    result[count] = dvalues.view({batch, time, count * kv * width});
    return result;
  }
};

}  // namespace

Probabilities causal_probabilities(const at::Tensor& queries, const at::Tensor& keys, bool keep) {
  Probabilities made{std::make_shared<ProbabilitySource>(make_source(queries.detach(), keys.detach(), keep)),
                     {},
                     c10::make_intrusive<ProbabilityUses>()};
  return again(made, queries, keys);
}

Probabilities again(const Probabilities& made, const at::Tensor& queries, const at::Tensor& keys) {
  return {made.source, CausalProbabilities::apply(queries, keys, made.uses), made.uses};
}

at::Tensor apply_probabilities(const std::vector<Probabilities>& kept, const at::Tensor& values, int64_t kv_heads,
                               bool own) {
  std::vector<at::Tensor> tokens;
  for (const Probabilities& one : kept) tokens.push_back(one.token);
  const Kept all{kept, kv_heads, own};
  return ApplyProbabilities::apply(at::TensorList(tokens), values, &all);
}

WithinBackward::WithinBackward(int task) : previous_(std::exchange(outer_backward, task)) {}
WithinBackward::~WithinBackward() { outer_backward = previous_; }

int current_backward() { return outer_backward >= 0 ? outer_backward : torch::autograd::get_current_graph_task_id(); }

}  // namespace torchwright::residual
