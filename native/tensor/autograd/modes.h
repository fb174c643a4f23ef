// The modes of a thread's libtorch that follow a piece of work through JavaScript, as bits of one number: `Mode` in
// lib/tensor/context.ts names the same ones.
#pragma once

#include <cstdint>

namespace torchwright {

class Environment;

namespace mode {
inline constexpr uint32_t kGrad = 1;
inline constexpr uint32_t kInference = 2;
inline constexpr uint32_t kAutocastCpu = 4;
inline constexpr uint32_t kAutocastCpuHalf = 8;  // float16, not bfloat16
inline constexpr uint32_t kAutocastCuda = 16;
inline constexpr uint32_t kAutocastCudaHalf = 32;
inline constexpr uint32_t kAutocastCache = 64;
inline constexpr uint32_t kAnomaly = 128;
inline constexpr uint32_t kCheckNan = 256;
inline constexpr uint32_t kSavedTensorHooks = 512;
}  // namespace mode

// What the calling thread is in.
uint32_t current_modes();

// Puts the calling thread, which is the environment's JavaScript thread, into these modes.
void set_modes(Environment& environment, uint32_t modes);

// The environment whose work on this thread is watched for anomalies or has hooks of saved tensors; null when there is
// none.
Environment* environment_in(uint32_t mode);

// To be called as an environment ends, on its thread.
void leave_modes(Environment& environment);

}  // namespace torchwright
