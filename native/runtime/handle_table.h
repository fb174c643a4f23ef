// Values named by numbers: a slot and the generation of its use, so that a stale handle is noticed, never mistaken.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "runtime/errors.h"

namespace torchwright {

// A number that JavaScript holds exactly (below 2^53): generation * 2^32 + slot + 1.
using Handle = double;

// Used from the environment's own JavaScript thread only.
template <typename T>
class HandleTable {
 public:
  explicit HandleTable(const char* what) : what_(what) {}

  Handle add(T value) {
    uint32_t slot;
    if (free_ != kNone) {
      slot = free_;
      free_ = slots_[slot].next_free;
      slots_[slot].value = std::move(value);
    } else {
      slot = static_cast<uint32_t>(slots_.size());
      slots_.push_back({std::move(value), 0, kLive});
    }
    slots_[slot].next_free = kLive;
    ++live_;
    return static_cast<double>(slots_[slot].generation) * 4294967296.0 + slot + 1;
  }

  // Null when the handle is stale or never was one.
  T* find(Handle handle) {
    if (!(handle >= 1 && handle < 9007199254740992.0)) return nullptr;
    const auto bits = static_cast<uint64_t>(handle) - 1;
    const auto slot = static_cast<uint32_t>(bits);
    if (slot >= slots_.size()) return nullptr;
    Slot& entry = slots_[slot];
    return entry.next_free == kLive && entry.generation == bits >> 32 ? &entry.value : nullptr;
  }

  T& get(Handle handle) {
    if (T* value = find(handle)) return *value;
    throw Error(code::kDisposed,
                std::string("this ") + what_ + " has been disposed, or belongs to another environment");
  }

  // Gives the value back so that its destructor runs after the table is in order. An empty value for a stale handle.
  T take(Handle handle) {
    T* value = find(handle);
    if (value == nullptr) return T();
    T taken = std::move(*value);
    *value = T();
    const auto slot = static_cast<uint32_t>(static_cast<uint64_t>(handle) - 1);
    Slot& entry = slots_[slot];
    --live_;
    if (++entry.generation < kLastGeneration) {
      entry.next_free = free_;
      free_ = slot;
    } else {
      entry.next_free = kNone;  // its generations are used up: the slot retires
    }
    return taken;
  }

  std::size_t live() const { return live_; }

  template <typename Visit>
  void each(Visit visit) {
    for (Slot& slot : slots_) {
      if (slot.next_free == kLive) visit(slot.value);
    }
  }

  void clear() {
    slots_.clear();
    free_ = kNone;
    live_ = 0;
  }

 private:
  static constexpr uint32_t kNone = 0xffffffff;
  static constexpr uint32_t kLive = 0xfffffffe;
  static constexpr uint32_t kLastGeneration = 1u << 20;

  struct Slot {
    T value;
    uint32_t generation;
    uint32_t next_free;  // kLive while in use
  };

  const char* what_;
  std::vector<Slot> slots_;
  uint32_t free_ = kNone;
  std::size_t live_ = 0;
};

}  // namespace torchwright
