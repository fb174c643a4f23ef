#include "runtime/profiler.h"

#include <c10/util/ThreadLocalDebugInfo.h>
#include <dlfcn.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "runtime/errors.h"
#include "tensor/cuda.h"

namespace torchwright {

namespace profiler = torch::autograd::profiler;

namespace {

std::atomic<bool> taken = false;

void enable(const ProfileOptions& options) {
  // Kineto tells the console of each beginning and end, unless its user wants to hear of more; failures are errors
  // here.
  setenv("KINETO_LOG_LEVEL", "9", /*overwrite=*/0);
  const profiler::ProfilerConfig config(profiler::ProfilerState::KINETO, options.shapes, options.memory);
  std::set<profiler::ActivityType> activities{profiler::ActivityType::CPU};
  if (cuda_is_open()) activities.insert(profiler::ActivityType::CUDA);
  profiler::prepareProfiler(config, activities);
  profiler::enableProfiler(
      config, activities, {at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION, at::RecordScope::USER_SCOPE});
}

}  // namespace

// The profiler's functions are there also where libtorch was built without Kineto, which does the work.
bool has_profiler() { return dlsym(RTLD_DEFAULT, "libkineto_init") != nullptr; }

Profile::Profile(const ProfileOptions& options) : callbacks_before_(at::get_record_function_tls_()) {
  if (taken.exchange(true))
    throw Error(code::kArgument, "A profile is being recorded in this process already; end it first.");
  try {
    enable(options);
  } catch (...) {
    taken = false;
    throw;
  }
}

Profile::~Profile() { taken = false; }

void Profile::write(const std::string& file) {
  profiler::disableProfiler()->save(file);
  // Of a file that it cannot write, Kineto tells the console alone.
  std::error_code error;
  if (std::filesystem::file_size(file, error) == 0 || error)
    throw Error(code::kStorage, file + " cannot be written: " + (error ? error.message() : "nothing came of it"));
}

void Profile::leave() {
  c10::ThreadLocalDebugInfo::_pop(c10::DebugInfoKind::PROFILER_STATE);
  at::set_record_function_tls_(callbacks_before_);
}

}  // namespace torchwright
