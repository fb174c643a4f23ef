// Vectors of floats, and the instruction sets for which functions over them are compiled.
#pragma once

// Tiles stay in registers; how large a tile may be depends on the instruction set, so each has its own functions.
#if defined(__x86_64__) && defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__)
#define TORCHWRIGHT_VECTORS 1
#define TORCHWRIGHT_WIDE __attribute__((target("arch=x86-64-v4")))
#define TORCHWRIGHT_NARROW __attribute__((target("arch=x86-64-v3")))
#endif

namespace torchwright {

// Vectors of `Lanes` floats that may lie anywhere.
template <int Lanes>
struct Vector;
template <>
struct Vector<16> {
  typedef float Type __attribute__((vector_size(64), aligned(4)));
};
template <>
struct Vector<8> {
  typedef float Type __attribute__((vector_size(32), aligned(4)));
};
template <>
struct Vector<4> {
  typedef float Type __attribute__((vector_size(16), aligned(4)));
};

}  // namespace torchwright
