// The checksum of zip archives.
#pragma once

#include <cstddef>
#include <cstdint>

namespace torchwright {

// CRC-32 (polynomial 0xEDB88320, reflected) of bytes that follow those whose checksum is `before`; 0 for none.
uint32_t crc32(uint32_t before, const char* data, std::size_t size);

}  // namespace torchwright
