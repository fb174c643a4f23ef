// How the rows of causal attention are cut: a block of positions sees the keys up to its own end only, so the half that
// causality forbids is neither computed nor kept.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace torchwright::residual {

// Positions [begin, begin + count); they see the keys [0, end). For R rows a position, the block's scores begin at
// element R * offset where the blocks lie one after the other.
struct Block {
  int64_t begin;
  int64_t count;
  int64_t offset;
  int64_t end() const { return begin + count; }
};

inline std::vector<Block> blocks_of(int64_t time, int64_t size) {
  std::vector<Block> blocks;
  int64_t offset = 0;
  for (int64_t begin = 0; begin < time; begin += size) {
    blocks.push_back({begin, std::min(size, time - begin), offset});
    offset += blocks.back().count * blocks.back().end();
  }
  return blocks;
}

// Scores of all blocks, for one row a position.
inline int64_t scores_of(const std::vector<Block>& blocks) {
  return blocks.back().offset + blocks.back().count * blocks.back().end();
}

}  // namespace torchwright::residual
