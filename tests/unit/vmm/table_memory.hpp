// Guest memory that holds page tables, with its past: a processor may still use values that an edit has replaced; and
// what stands behind a guest frame: itself, nothing (in the hidden range), another one (a substitute, A20).
#pragma once

#include "base/types.hpp"

#include <cstring>
#include <map>
#include <vector>

namespace vmm_test {

using namespace truering;

class TableMemory {
  public:
    // Twelve frames in each of the first two large pages, and a last one where the guest does not see it.
    static constexpr u32 frames = 25;
    static constexpr u32 frame_of(u32 n) { return n < 12 ? 0x10 + n : n < 24 ? 0x210 + (n - 12) : patch_frame; }

    static constexpr u32 hidden_first = 0x7C00; // 124 MiB
    static constexpr u32 hidden_count = 0x400;
    static constexpr u32 empty_frame = 0xFF'FFFE;
    static constexpr u32 patched_frame = 0xF0;
    static constexpr u32 patch_frame = hidden_first + 1;

    u64 address_mask = ~u64{0}; // A20

    [[nodiscard]] u64 machine_frame(u64 frame) const {
        frame &= address_mask >> 12;
        if (frame - hidden_first < hidden_count) return empty_frame;
        return frame == patched_frame ? patch_frame : frame;
    }
    static u32 number_of(u64 machine_frame) {
        u32 n = 0;
        while (n < frames && frame_of(n) != machine_frame) ++n;
        return n;
    }
    static bool is_table(u64 machine_frame) { return number_of(machine_frame) < frames; }
    u8* bytes(u32 machine_frame) {
        return is_table(machine_frame) ? &bytes_[number_of(machine_frame) * page_size] : nullptr;
    }

    // By guest-physical addresses, within an aligned entry.
    [[nodiscard]] u64 read(u64 address, unsigned size) const {
        const u64 at = offset(address);
        u64 value = ~u64{0};
        if (at != nowhere) std::memcpy(&value, &bytes_[at], size);
        return size == 4 ? value & 0xFFFF'FFFF : value;
    }
    // A store of the guest, remembered; a processor's own, of A and D, is none.
    void edit(u64 address, u64 value, unsigned size) {
        past_[offset(address)].push_back({now_++, read(address, size)});
        store(address, value, size);
    }
    void store(u64 address, u64 value, unsigned size) {
        const u64 at = offset(address);
        if (at != nowhere) std::memcpy(&bytes_[at], &value, size);
    }

    [[nodiscard]] u64 now() const { return now_; }
    // The value, and those that it had since a time.
    [[nodiscard]] std::vector<u64> values_since(u64 address, unsigned size, u64 time) const {
        std::vector<u64> values{read(address, size)};
        const auto found = past_.find(offset(address));
        if (found != past_.end())
            for (const Past& past : found->second)
                if (past.until >= time) values.push_back(past.value);
        return values;
    }
    void forget_past() { past_.clear(); }

    [[nodiscard]] const std::vector<u8>& content() const { return bytes_; }

  private:
    static constexpr u64 nowhere = ~u64{0};
    [[nodiscard]] u64 offset(u64 address) const {
        const u64 frame = machine_frame(address >> 12);
        return is_table(frame) ? number_of(frame) * page_size + (address & 0xFFF) : nowhere;
    }

    struct Past {
        u64 until;
        u64 value;
    };
    std::vector<u8> bytes_ = std::vector<u8>(frames * page_size);
    std::map<u64, std::vector<Past>> past_;
    u64 now_ = 1;
};

} // namespace vmm_test
