// The memory of a JavaScript buffer, held whatever becomes of the buffer: transferred, detached, forgotten.
#pragma once

#include <node_api.h>

#include <memory>

namespace torchwright {

// `buffer`: an ArrayBuffer, or a SharedArrayBuffer when `shared`. The result may be released on any thread.
// Node-API has no such function, so that V8's own is looked up at run time; throws where this Node has none that fits.
std::shared_ptr<void> backing_store_of(napi_value buffer, bool shared);

}  // namespace torchwright
