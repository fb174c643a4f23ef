#include "tensor/cuda.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <dlfcn.h>

#include <atomic>
#include <filesystem>

namespace torchwright {

namespace {

struct Cuda {
  int devices = 0;
  std::string absence;
};

std::filesystem::path torch_library_folder() {
  Dl_info info;
  // Any function of libtorch_cpu tells where its file lies.
  if (dladdr(reinterpret_cast<void*>(&at::globalContext), &info) == 0) return {};
  return std::filesystem::path(info.dli_fname).parent_path();
}

Cuda open_cuda() {
  const auto library = torch_library_folder() / "libtorch_cuda.so";
  std::error_code ignored;
  if (!std::filesystem::exists(library, ignored)) {
    return {0, "the libtorch that is loaded is built for the CPU only"};
  }
  // Never closed: libtorch registers its CUDA kernels with static objects.
  if (dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL) == nullptr) {
    const char* reason = dlerror();
    return {0, std::string("libtorch_cuda.so did not open: ") + (reason ? reason : "unknown reason")};
  }
  try {
    const int devices = at::detail::getCUDAHooks().deviceCount();
    return {devices, devices > 0 ? "" : "the CUDA driver finds no device"};
  } catch (const std::exception& error) {
    return {0, std::string("the CUDA driver failed: ") + error.what()};
  }
}

std::atomic<bool> is_open{false};

const Cuda& cuda() {
  static const Cuda state = [] {
    Cuda opened = open_cuda();
    is_open = opened.devices > 0;
    return opened;
  }();
  return state;
}

}  // namespace

int cuda_device_count() { return cuda().devices; }

bool cuda_is_open() { return is_open; }

std::string cuda_absence() { return cuda().absence; }

}  // namespace torchwright
