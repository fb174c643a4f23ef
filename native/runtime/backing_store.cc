#include "runtime/backing_store.h"

#include <dlfcn.h>

#include <type_traits>

#include "runtime/errors.h"

namespace torchwright {

namespace {

// `v8::ArrayBuffer::GetBackingStore()`. A method's object is its first argument, and a Node-API value is the place V8
// keeps an object's address in, as `v8::Local` is.
using GetBackingStore = std::shared_ptr<void> (*)(napi_value buffer);

#ifdef _LIBCPP_VERSION
constexpr const char* kMakeOfStore = "_ZN2v811ArrayBuffer3NewEPNS_7IsolateENSt3__110shared_ptrINS_12BackingStoreEEE";
#else
constexpr const char* kMakeOfStore = "_ZN2v811ArrayBuffer3NewEPNS_7IsolateESt10shared_ptrINS_12BackingStoreEE";
#endif

GetBackingStore find(const char* name) {
  // The name of this neighbour tells whose `shared_ptr` Node was built with: it must be the one of this addon.
  if (dlsym(RTLD_DEFAULT, kMakeOfStore) == nullptr) return nullptr;
  return reinterpret_cast<GetBackingStore>(dlsym(RTLD_DEFAULT, name));
}

static_assert(sizeof(std::shared_ptr<void>) == 2 * sizeof(void*) && std::is_pointer_v<napi_value>);

}  // namespace

std::shared_ptr<void> backing_store_of(napi_value buffer, bool shared) {
  static const GetBackingStore own = find("_ZN2v811ArrayBuffer15GetBackingStoreEv");
  static const GetBackingStore common = find("_ZN2v817SharedArrayBuffer15GetBackingStoreEv");
  const GetBackingStore get = shared ? common : own;
  if (get == nullptr) {
    throw Error(code::kTorch,
                "this version of Node does not let a tensor share a buffer's memory; copy it with torch.tensor");
  }
  return get(buffer);
}

}  // namespace torchwright
