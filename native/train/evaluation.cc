// One evaluation batch as one job.
#include <ATen/core/grad_mode.h>

#include "io/batches.h"
#include "nn/autocast.h"
#include "nn/module.h"
#include "runtime/job.h"
#include "tensor/values.h"
#include "train/bindings.h"

namespace torchwright::train {

namespace {

struct EvaluationResult {
  double loss;  // mean over what is predicted
  int64_t correct, predicted, samples;
};

}  // namespace

Napi::Value evaluate_batch(Environment& environment, const Napi::CallbackInfo& info) {
  return submit(
      environment, info[0],
      [module = environment.object<Module>(info[1], "module"),
       batches = environment.object<Batches>(info[2], "batches"),
       dtype = optional_dtype(info[3])](const CancelFlag& cancel) {
        const at::NoGradGuard no_grad;
        const Batch batch = batches->next(cancel);
        if (batch.targets == 0) return EvaluationResult{0, 0, 0, batch.samples};
        const AutocastScope autocast(batch.inputs.at(0).device().type(), dtype);
        const auto outputs = module->call("evaluate", batch.inputs);
        return EvaluationResult{outputs.at(0).item<double>(), outputs.at(1).item<int64_t>(),
                                outputs.at(2).item<int64_t>(), batch.samples};
      },
      [](Environment& environment, const EvaluationResult& result) {
        auto object = Napi::Object::New(environment.napi());
        object.Set("loss", result.loss);
        object.Set("correct", static_cast<double>(result.correct));
        object.Set("predicted", static_cast<double>(result.predicted));
        object.Set("samples", static_cast<double>(result.samples));
        return object;
      });
}

}  // namespace torchwright::train
