#include "delight/stage.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/autograd/custom_function.h>

#include "delight/kernels/finish.h"
#include "nn/products.h"
#include "runtime/errors.h"

namespace torchwright::delight {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// [N, features] -> [groups, N, features / groups], a view.
at::Tensor sliced(const at::Tensor& rows, int64_t groups) {
  return rows.view({rows.size(0), groups, rows.size(1) / groups}).transpose(0, 1);
}

// [groups, N, width] -> [N, groups * width].
at::Tensor join(const at::Tensor& grouped) {
  return grouped.size(0) == 1 ? grouped[0] : grouped.transpose(0, 1).reshape({grouped.size(1), -1});
}

// x [groups, N, in / groups] -> products [groups, N, out / groups], without the bias.
at::Tensor multiply(const at::Tensor& x, const Stage& stage) {
  return stage.dense ? apply_linear(x[0], stage.weights, {}).unsqueeze(0) : batched_product(x, stage.weights);
}

// Plain definition ------------------------------------------------------------------------------------------------
// Any device, dtype, norm and activation.

at::Tensor shuffled(const at::Tensor& rows, int64_t groups) {
  return rows.view({rows.size(0), groups, -1}).transpose(1, 2).reshape(rows.sizes());
}

// u and h group by group, as rows.
at::Tensor mix(const at::Tensor& u, const at::Tensor& h, int64_t groups) {
  const int64_t count = h.size(0);
  return at::cat({u.view({count, groups, -1}), h.view({count, groups, -1})}, 2).view({count, -1});
}

at::Tensor plain_stage(const Stage& stage, const at::Tensor& rows, bool training) {
  if (stage.dense) return (*stage.finish)(at::linear(rows, stage.weights, stage.bias), training);
  at::Tensor y = at::bmm(sliced(rows, stage.groups), stage.weights);
  if (stage.bias.defined()) y = y + stage.bias;
  at::Tensor joined = join(y);
  if (stage.shuffle) joined = shuffled(joined, stage.groups);
  return (*stage.finish)(joined.view({joined.size(0), stage.groups, -1}), training).reshape({joined.size(0), -1});
}

at::Tensor plain(const std::vector<Stage>& stages, const at::Tensor& rows, bool training) {
  at::Tensor h = plain_stage(stages[0], rows, training), u = h;
  for (size_t i = 1; i < stages.size(); ++i) {
    h = plain_stage(stages[i], i == 1 ? h : mix(u, h, stages[i].groups), training);
  }
  return h;
}

// Fused -----------------------------------------------------------------------------------------------------------

// Whether the kernels compute what this stage wants.
bool fusable(const Stage& stage, const at::Tensor& rows) {
  const Style& style = stage.finish->style();
  const auto type = rows.scalar_type();
  return rows.device().is_cpu() && (type == at::kFloat || type == at::kDouble) && type == stage.weights.scalar_type() &&
         !at::autocast::is_autocast_enabled(at::kCPU) && style.norm != Norm::kBatch &&
         style.activation != Activation::kPrelu;
}

// What a stage keeps for its backward pass.
struct Kept {
  at::Tensor x, y, mean, rstd, mask;
};
constexpr size_t kTensors = 5;  // kept of a stage

template <typename T>
const T* data_or_null(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.const_data_ptr<T>() : nullptr;
}

at::Tensor gamma(const Stage& stage) {
  return stage.finish->layer_norm() ? stage.finish->layer_norm()->weight : at::Tensor();
}
at::Tensor beta(const Stage& stage) {
  return stage.finish->layer_norm() ? stage.finish->layer_norm()->bias : at::Tensor();
}

// The sizes and switches of a stage, for the backward pass, which may outlive the module.
struct Shape {
  int64_t groups;
  bool shuffle, dense;
  Activation activation;
  bool bias, norm;

  static Shape of(const Stage& stage) {
    const Finish& finish = *stage.finish;
    return {stage.groups,         stage.shuffle,
            stage.dense,          finish.style().activation,
            stage.bias.defined(), finish.layer_norm() != nullptr};
  }
};
struct Chain : torch::CustomClassHolder {
  std::vector<Shape> shapes;
};

// Of a stage, in the order in which they are handed to autograd; undefined where absent.
struct Parameters {
  at::Tensor weights, bias, gamma, beta;
};
void append(std::vector<at::Tensor>& list, const Stage& stage) {
  list.push_back(stage.weights);
  if (stage.bias.defined()) list.push_back(stage.bias);
  if (stage.finish->layer_norm()) list.insert(list.end(), {gamma(stage), beta(stage)});
}
Parameters take(const at::Tensor*& next, const Shape& shape) {
  Parameters parameters{*next++, {}, {}, {}};
  if (shape.bias) parameters.bias = *next++;
  if (shape.norm) {
    parameters.gamma = *next++;
    parameters.beta = *next++;
  }
  return parameters;
}

template <typename T>
FinishPass<T> pass_of(const Shape& shape, const Kept& kept, const Parameters& parameters, const T* u, int64_t proj,
                      int64_t next_groups) {
  return {.groups = shape.groups,
          .rows = kept.y.size(1),
          .group_out = kept.y.size(2),
          .shuffle = shape.shuffle && shape.groups > 1,
          .activation = shape.activation,
          .y = kept.y.const_data_ptr<T>(),
          .bias = data_or_null<T>(parameters.bias),
          .gamma = data_or_null<T>(parameters.gamma),
          .beta = data_or_null<T>(parameters.beta),
          .mask = data_or_null<T>(kept.mask),
          .u = u,
          .proj = proj,
          .next_groups = next_groups,
          .mean = kept.mean.defined() ? kept.mean.mutable_data_ptr<T>() : nullptr,
          .rstd = kept.rstd.defined() ? kept.rstd.mutable_data_ptr<T>() : nullptr};
}

// Calls `body` with a value of the tensor's C++ type.
template <typename Body>
auto with_type(const at::Tensor& tensor, Body body) {
  return tensor.scalar_type() == at::kDouble ? body(double{}) : body(float{});
}

// Runs one stage: its output mixed with `u` (where defined) for a next stage of `next_groups` groups.
at::Tensor run_stage(const Stage& stage, Kept& kept, const at::Tensor& u, int64_t next_groups, bool training) {
  const Style& style = stage.finish->style();
  kept.y = multiply(kept.x, stage);
  const int64_t rows = kept.y.size(1), out = stage.out();
  const auto options = kept.y.options();
  if (stage.finish->layer_norm()) {
    kept.mean = at::empty({rows, stage.groups}, options);
    kept.rstd = at::empty({rows, stage.groups}, options);
  }
  if (training && style.dropout > 0) {
    const double keep = 1 - style.dropout;
    kept.mask = at::empty({rows, out}, options).bernoulli_(keep).div_(keep);
  }
  const int64_t proj = u.defined() ? u.size(1) : 0;
  at::Tensor mixed = at::empty({next_groups, rows, (proj + out) / next_groups}, options);
  const Parameters parameters{stage.weights, stage.bias, gamma(stage), beta(stage)};
  with_type(kept.y, [&](auto zero) {
    using T = decltype(zero);
    finish_forward(pass_of<T>(Shape::of(stage), kept, parameters, data_or_null<T>(u), proj, next_groups),
                   mixed.mutable_data_ptr<T>());
  });
  return mixed;
}

// Runs all stages on rows [N, in]; fills `kept`, one for each, unless it is null. Gives [N, out].
at::Tensor run_chain(const std::vector<Stage>& stages, const at::Tensor& rows, bool training, std::vector<Kept>* kept) {
  at::Tensor x = sliced(rows, stages[0].groups), u;
  for (size_t i = 0; i < stages.size(); ++i) {
    Kept own;
    own.x = x;
    const bool last = i + 1 == stages.size(), first = i == 0;
    const int64_t next_groups = first || last ? 1 : stages[i + 1].groups;
    x = run_stage(stages[i], own, !first && !last ? u : at::Tensor(), next_groups, training);
    if (first && !last) {
      u = x[0];
      x = sliced(u, stages[1].groups);
    }
    if (kept != nullptr) kept->push_back(std::move(own));
  }
  return x[0];
}

struct ChainFunction : torch::autograd::Function<ChainFunction> {
  // `parameters`: those of each stage, as `append` orders them.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& rows, at::TensorList parameters,
                            const std::vector<Stage>* stages, bool training) {
    std::vector<Kept> kept;
    at::Tensor result = run_chain(*stages, rows, training, &kept);
    auto chain = c10::make_intrusive<Chain>();
    variable_list saved(parameters.begin(), parameters.end());
    for (size_t i = 0; i < stages->size(); ++i) {
      chain->shapes.push_back(Shape::of((*stages)[i]));
      saved.insert(saved.end(), {kept[i].x, kept[i].y, kept[i].mean, kept[i].rstd, kept[i].mask});
    }
    context->save_for_backward(std::move(saved));
    context->saved_data["chain"] = at::IValue::make_capsule(std::move(chain));
    return result;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    if (at::GradMode::is_enabled()) {
      throw Error(code::kArgument, "DeLighT's transforms have first derivatives only: backward without createGraph");
    }
    const auto chain = at::static_intrusive_pointer_cast<Chain>(context->saved_data["chain"].toCapsule());
    const variable_list saved = context->get_saved_variables();
    const size_t count = chain->shapes.size();
    const at::Tensor* next = saved.data();
    std::vector<Parameters> parameters;
    for (const Shape& shape : chain->shapes) parameters.push_back(take(next, shape));
    std::vector<Kept> kept;
    for (size_t i = 0; i < count; ++i, next += kTensors) kept.push_back({next[0], next[1], next[2], next[3], next[4]});

    const int64_t proj = count > 1 ? kept[1].x.size(0) * kept[1].x.size(2) : 0;
    std::vector<Parameters> gradients(count);
    at::Tensor du, drows, gradient = grads[0].contiguous().unsqueeze(0);
    for (size_t i = count; i-- > 0;) {
      const bool last = i + 1 == count, first = i == 0, mixed = !first && !last;
      if (first && !last) {
        // what came back through the second stage, and through every mix
        if (du.defined()) {
          sliced(du, gradient.size(0)).add_(gradient);
        } else {
          du = join(gradient);
        }
        gradient = du.unsqueeze(0);
      }
      const bool accumulate = du.defined();
      if (mixed && !accumulate) du = at::empty({kept[i].y.size(1), proj}, kept[i].y.options());
      const at::Tensor dy = finish_gradients(chain->shapes[i], kept[i], parameters[i], gradient,
                                             mixed ? du : at::Tensor(), accumulate, gradients[i]);
      const at::Tensor& weights = parameters[i].weights;
      const bool dense = chain->shapes[i].dense;
      if (weights.requires_grad()) {
        gradients[i].weights =
            dense ? batched_product(dy.transpose(1, 2), kept[i].x)[0] : batched_product(kept[i].x.transpose(1, 2), dy);
      }
      if (first && !context->needs_input_grad(0)) break;
      gradient = dense ? batched_product(dy, weights.unsqueeze(0)) : batched_product(dy, weights.transpose(1, 2));
      if (first) drows = join(gradient);
    }
    variable_list result{drows};
    for (size_t i = 0; i < count; ++i) {
      result.push_back(gradients[i].weights);
      if (chain->shapes[i].bias) result.push_back(gradients[i].bias);
      if (chain->shapes[i].norm) result.insert(result.end(), {gradients[i].gamma, gradients[i].beta});
    }
    result.resize(result.size() + 2);  // the stages and `training`
    return result;
  }

 private:
  // The gradient of a stage's products; those of bias, gamma and beta go into `gradients`, that of u into `du` where
  // defined.
  static at::Tensor finish_gradients(const Shape& shape, const Kept& kept, const Parameters& parameters,
                                     const at::Tensor& gradient, const at::Tensor& du, bool accumulate,
                                     Parameters& gradients) {
    const auto like = [](const at::Tensor& tensor) {
      return tensor.defined() ? at::empty(tensor.sizes(), tensor.options().requires_grad(std::nullopt)) : at::Tensor();
    };
    gradients.bias = like(parameters.bias);
    gradients.gamma = like(parameters.gamma);
    gradients.beta = like(parameters.beta);
    at::Tensor dy = at::empty(kept.y.sizes(), kept.y.options());
    with_type(dy, [&](auto zero) {
      using T = decltype(zero);
      const auto writable = [](const at::Tensor& tensor) {
        return tensor.defined() ? tensor.mutable_data_ptr<T>() : nullptr;
      };
      finish_backward(pass_of<T>(shape, kept, parameters, nullptr, du.defined() ? du.size(1) : 0, gradient.size(0)),
                      gradient.const_data_ptr<T>(),
                      FinishGradients<T>{dy.mutable_data_ptr<T>(), writable(du), accumulate, writable(gradients.bias),
                                         writable(gradients.gamma), writable(gradients.beta)});
    });
    return dy;
  }
};

at::Tensor run(const std::vector<Stage>& stages, const at::Tensor& rows, bool training) {
  for (const Stage& stage : stages) {
    if (!fusable(stage, rows)) return plain(stages, rows, training);
  }
  const at::Tensor dense = rows.contiguous();
  if (!at::GradMode::is_enabled()) return run_chain(stages, dense, training, nullptr);
  variable_list parameters;
  for (const Stage& stage : stages) append(parameters, stage);
  return ChainFunction::apply(dense, at::TensorList(parameters), &stages, training);
}

}  // namespace

Stage Stage::of(const GroupLinear& layer) {
  return {layer.weights, layer.bias, layer.groups, layer.shuffle, false, &layer.finish};
}

Stage Stage::of(const Linear& layer) { return {layer.weights, layer.bias, 1, false, true, &layer.finish}; }

at::Tensor group_linear(const Stage& stage, const at::Tensor& rows, bool training) {
  return run({stage}, rows, training);
}

at::Tensor transform(const std::vector<Stage>& stages, const at::Tensor& rows, bool training) {
  return run(stages, rows, training);
}

}  // namespace torchwright::delight
