#include "runtime/bindings.h"
#include "runtime/job.h"
#include "runtime/profiler.h"

namespace torchwright::runtime {

Napi::Value profiler_exists(Environment&, const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), has_profiler());
}

Napi::Value profile_start(Environment& environment, const Napi::CallbackInfo& info) {
  return environment.add_object(
      std::make_shared<Profile>(ProfileOptions{.shapes = info[0].ToBoolean(), .memory = info[1].ToBoolean()}));
}

Napi::Value profile_stop(Environment& environment, const Napi::CallbackInfo& info) {
  const auto profile = environment.object<Profile>(info[0], "profile");
  const std::string file = info[1].ToString();
  // Not to be cancelled: what was recorded is to be written however the work ended.
  const Napi::Value written = submit(
      environment, info.Env().Undefined(),
      [profile, file](const CancelFlag&) {
        profile->write(file);
        return true;
      },
      [](Environment& environment, bool) { return environment.napi().Undefined(); });
  profile->leave();
  environment.free_object(info[0].As<Napi::Number>().DoubleValue());
  return written;
}

}  // namespace torchwright::runtime
