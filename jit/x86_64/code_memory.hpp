// Memory for host code, mapped twice: at one address it can be written, at another executed, at none both. It is
// executed below 2 GiB, so that an address of code fits into 32 bits.
#pragma once

#include "base/types.hpp"

namespace truering {

class CodeMemory {
  public:
    // Throws std::system_error.
    explicit CodeMemory(size_t bytes);
    ~CodeMemory();
    CodeMemory(const CodeMemory&) = delete;
    CodeMemory& operator=(const CodeMemory&) = delete;

    [[nodiscard]] size_t size() const { return bytes_; }
    [[nodiscard]] u8* writable(size_t at) { return write_ + at; }
    // Where the byte at this offset is executed.
    [[nodiscard]] u32 address(size_t at) const { return static_cast<u32>(reinterpret_cast<u64>(execute_ + at)); }

  private:
    size_t bytes_;
    u8* write_ = nullptr;
    u8* execute_ = nullptr;
};

} // namespace truering
