// Guest memory that holds page tables, with its past: a processor may still use values that an edit has replaced.
#pragma once

#include "base/types.hpp"

#include <cstring>
#include <map>
#include <vector>

namespace vmm_test {

using namespace truering;

class TableMemory {
  public:
    static constexpr u32 first_frame = 16;
    static constexpr u32 frames = 24;

    static bool has(u64 frame) { return frame - first_frame < frames; }
    u8* bytes(u32 frame) { return has(frame) ? &bytes_[(frame - first_frame) * page_size] : nullptr; }

    [[nodiscard]] u64 read(u64 address, unsigned size) const {
        const u64 frame = address >> 12;
        u64 value = ~u64{0};
        if (has(frame)) std::memcpy(&value, &bytes_[address - first_frame * page_size], size);
        return size == 4 ? value & 0xFFFF'FFFF : value;
    }
    // A store of the guest, remembered; a processor's own, of A and D, is none.
    void edit(u64 address, u64 value, unsigned size) {
        past_[address].push_back({now_++, read(address, size)});
        store(address, value, size);
    }
    void store(u64 address, u64 value, unsigned size) {
        if (has(address >> 12)) std::memcpy(&bytes_[address - first_frame * page_size], &value, size);
    }

    [[nodiscard]] u64 now() const { return now_; }
    // The value, and those that it had since a time.
    [[nodiscard]] std::vector<u64> values_since(u64 address, unsigned size, u64 time) const {
        std::vector<u64> values{read(address, size)};
        const auto found = past_.find(address);
        if (found != past_.end())
            for (const Past& past : found->second)
                if (past.until >= time) values.push_back(past.value);
        return values;
    }
    void forget_past() { past_.clear(); }

    [[nodiscard]] const std::vector<u8>& content() const { return bytes_; }

  private:
    struct Past {
        u64 until;
        u64 value;
    };
    std::vector<u8> bytes_ = std::vector<u8>(frames * page_size);
    std::map<u64, std::vector<Past>> past_;
    u64 now_ = 1;
};

} // namespace vmm_test
