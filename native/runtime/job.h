// Makes a job of two functions: one that computes, off the JavaScript thread, and one that gives its result to
// JavaScript.
#pragma once

#include "runtime/environment.h"

namespace torchwright {

// `compute(const CancelFlag&)` returns a value R; `give(Environment&, R&)` returns a Napi::Value.
template <typename Compute, typename Give>
Napi::Value submit(Environment& environment, Napi::Value token, Compute compute, Give give) {
  using Result = std::invoke_result_t<Compute&, const CancelFlag&>;
  struct FunctionJob final : Job {
    FunctionJob(Compute compute, Give give) : compute(std::move(compute)), give(std::move(give)) {}
    void run(const CancelFlag& cancel) override { value.emplace(compute(cancel)); }
    Napi::Value result(Environment& environment) override { return give(environment, *value); }
    Compute compute;
    Give give;
    std::optional<Result> value;
  };
  return environment.compute().submit(std::make_unique<FunctionJob>(std::move(compute), std::move(give)),
                                      environment.cancel_flag(token));
}

}  // namespace torchwright
