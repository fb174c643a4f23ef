#include "residual/checkpoint.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>
#include <utility>
#include <vector>

#include "residual/precision.h"
#include "runtime/errors.h"
#include "runtime/memory.h"

namespace torchwright::residual {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// One run of a layer: what it is called with.
struct Call : torch::CustomClassHolder {
  std::shared_ptr<const DecoderLayer> layer;
  at::Tensor h, factors;
  Pass pass;
};

// Every tensor of a call that may have a gradient, always in the same order.
template <typename Step>
void for_tensors(Call& call, Step step) {
  const auto visit = [&](at::Tensor& tensor) {
    if (tensor.defined()) step(tensor);
  };
  visit(call.h);
  visit(call.factors);
  const int64_t first = call.layer->first_earlier(), own = call.layer->index();
  for (int64_t j = first; j <= own; ++j) {
    auto& [attention, mlp] = call.pass.weights[j];
    for (at::Tensor* weight : {&attention.qk, &attention.qk_bias, &attention.v, &attention.v_bias, &attention.o,
                               &attention.o_bias, &mlp.gate_up, &mlp.gate_up_bias, &mlp.down, &mlp.down_bias}) {
      visit(*weight);
    }
    if (j == own) continue;
    visit(call.pass.kept[j].token);
    visit(call.pass.outputs[j]);
  }
}

// What probabilities are made from, which no gradient reaches this way.
template <typename Step>
void for_sources(Call& call, Step step) {
  for (int64_t j = call.layer->first_earlier(); j <= call.layer->index(); ++j) {
    auto& source = call.pass.kept[j].source;
    if (source == nullptr) continue;
    for (at::Tensor* tensor : {&source->queries, &source->keys, &source->transposed_keys, &source->kept}) step(*tensor);
  }
}

// A call's own copy of everything but the tensors themselves; the layers that it does not read are left out.
c10::intrusive_ptr<Call> copy_of(const Call& call) {
  auto copy = c10::make_intrusive<Call>();
  copy->layer = call.layer;
  copy->h = call.h;
  copy->factors = call.factors;
  copy->pass = call.pass;
  Pass& pass = copy->pass;
  for (size_t j = 0; j < pass.weights.size(); ++j) {
    const int64_t layer = static_cast<int64_t>(j);
    if (layer >= call.layer->first_earlier() && layer <= call.layer->index()) {
      auto& source = pass.kept[j].source;
      if (source != nullptr) source = std::make_shared<ProbabilitySource>(*source);
      continue;
    }
    pass.weights[j] = {};
    pass.kept[j] = {};
    pass.outputs[j] = at::Tensor();
  }
  return copy;
}

struct Checkpoint : torch::autograd::Function<Checkpoint> {
  // Gives the layer's output, the token of its probabilities, and its stored output where there is one. `call.pass` is
  // left as the layer leaves it.
  static variable_list forward(AutogradContext* context, at::TensorList inputs, Call* call) {
    const auto again = copy_of(*call);
    const int64_t own = call->layer->index();
    const at::Tensor next = call->layer->forward(call->h, call->factors, call->pass);
    again->pass.kept[own] = call->pass.kept[own];
    if (again->pass.kept[own].source != nullptr)
      again->pass.kept[own].source = std::make_shared<ProbabilitySource>(*again->pass.kept[own].source);

    variable_list saved = inputs.vec();
    for_sources(*again, [&](const at::Tensor& tensor) { saved.push_back(tensor); });
    context->save_for_backward(saved);
    // A second run gets its tensors from autograd, which frees them when they have been used.
    const at::Tensor place = at::empty({0});
    for_tensors(*again, [&](at::Tensor& tensor) { tensor = place; });
    for_sources(*again, [&](at::Tensor& tensor) { tensor = at::Tensor(); });
    context->saved_data["call"] = c10::IValue::make_capsule(again);
    context->set_materialize_grads(false);

    variable_list outputs = {next, at::empty({0}, next.options())};
    if (call->pass.outputs[own].defined()) outputs.push_back(call->pass.outputs[own]);
    return outputs;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    if (at::GradMode::is_enabled()) {
      throw Error(code::kArgument, "a residual-llama has first derivatives only: backward without createGraph");
    }
    if (grads[0].defined() && grads[0].device().is_cpu()) release_heap_gaps();
    const auto guard = autocast_off();
    const at::AutoGradMode with_gradient(true);
    const WithinBackward within(current_backward());

    // The same call, on leaves of a graph of its own.
    const auto saved = context->get_saved_variables();
    const auto call = copy_of(static_cast<const Call&>(*context->saved_data["call"].toCapsule()));
    size_t place = 0;
    variable_list leaves;
    std::vector<size_t> places;
    for_tensors(*call, [&](at::Tensor& tensor) {
      tensor = saved[place].detach();
      if (context->needs_input_grad(place)) {
        leaves.push_back(tensor.requires_grad_());
        places.push_back(place);
      }
      ++place;
    });
    variable_list result(place + 1);
    for_sources(*call, [&](at::Tensor& tensor) { tensor = saved[place++]; });
    const int64_t own = call->layer->index();
    const Probabilities made = std::exchange(call->pass.kept[own], {});
    const at::Tensor next =
        call->layer->forward(call->h, call->factors, call->pass, made.source != nullptr ? &made : nullptr);

    variable_list outputs, gradients;
    const auto differentiate = [&](const at::Tensor& output, const at::Tensor& gradient) {
      if (!gradient.defined()) return;
      outputs.push_back(output);
      gradients.push_back(gradient);
    };
    differentiate(next, grads[0]);
    if (grads.size() > 2) differentiate(call->pass.outputs[own], grads[2]);
    if (outputs.empty()) return result;
    const auto found = torch::autograd::grad(outputs, leaves, gradients, /*retain_graph=*/false,
                                             /*create_graph=*/false, /*allow_unused=*/true);
    for (size_t i = 0; i < places.size(); ++i) result[places[i]] = found[i];
    return result;
  }
};

}  // namespace

at::Tensor checkpointed(const std::shared_ptr<const DecoderLayer>& layer, const at::Tensor& h,
                        const at::Tensor& factors, Pass& pass) {
  Call call;
  call.layer = layer;
  call.h = h;
  call.factors = factors;
  call.pass = std::move(pass);
  variable_list inputs;
  for_tensors(call, [&](const at::Tensor& tensor) { inputs.push_back(tensor); });
  const auto outputs = Checkpoint::apply(at::TensorList(inputs), &call);
  pass = std::move(call.pass);
  const int64_t own = layer->index();
  Probabilities& kept = pass.kept[own];
  if (kept.source != nullptr) kept.token = layer->detaches() ? outputs[1].detach() : outputs[1];
  if (outputs.size() > 2) pass.outputs[own] = outputs[2];
  return outputs[0];
}

}  // namespace torchwright::residual
