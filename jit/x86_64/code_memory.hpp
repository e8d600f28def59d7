// Memory for host code, mapped twice: at one address it can be written, at another executed, at none both.
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
    [[nodiscard]] void* executable(size_t at) { return execute_ + at; }
    [[nodiscard]] size_t offset_of(const void* executable) const {
        return static_cast<size_t>(static_cast<const u8*>(executable) - execute_);
    }

  private:
    size_t bytes_;
    u8* write_ = nullptr;
    u8* execute_ = nullptr;
};

} // namespace truering
