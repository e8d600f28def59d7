// A segment register with its hidden part (SDM vol. 3A, 3.4.3), and the limit check made cheap.
//
// The architectural fields are the truth; from them follow, once at each load, the range of offsets that may be read
// and written. Segments that may not be read have an empty range, so that one comparison covers rights and limit.
#pragma once

#include "base/bits.hpp"

namespace truering {

// `attributes` is the descriptor's bits 40..47 in [7:0] and 52..55 in [11:8]; [15]: unusable (docs/v32.md 4.4).
enum SegmentAttributes : u16 {
    attr_type = 0x000F,
    attr_accessed = 0x0001,
    attr_writable = 0x0002,    // of data: writable; of code: readable
    attr_expand_down = 0x0004, // of data; of code: conforming
    attr_conforming = 0x0004,
    attr_code = 0x0008,
    attr_S = 0x0010, // 1: code or data, 0: system
    attr_DPL = 0x0060,
    attr_P = 0x0080,
    attr_AVL = 0x0100,
    attr_DB = 0x0400,
    attr_G = 0x0800,
    attr_unusable = 0x8000,
};

struct Segment {
    u16 selector = 0;
    u16 attributes = attr_unusable;
    u32 base = 0;
    u32 limit = 0; // in bytes, G applied

    // Derived by refresh(): the offsets first..read_last may be read, first..write_last written. The sure_ ones are the
    // same where `first` is 0 and -1 elsewhere (expand-down), so that one comparison can say yes.
    u32 first = 1;
    i64 read_last = 0, write_last = 0;
    i64 sure_read_last = -1, sure_write_last = -1;

    [[nodiscard]] bool usable() const { return (attributes & attr_unusable) == 0; }
    [[nodiscard]] unsigned dpl() const { return bits(attributes, 6u, 5u); }
    [[nodiscard]] unsigned rpl() const { return selector & 3u; }
    [[nodiscard]] bool is_code() const { return (attributes & (attr_S | attr_code)) == (attr_S | attr_code); }
    [[nodiscard]] bool is_32bit() const { return (attributes & attr_DB) != 0; }

    [[nodiscard]] bool may_read(u32 offset, unsigned size) const {
        return offset >= first && i64{offset} + size - 1 <= read_last;
    }
    // Yes, or perhaps.
    [[nodiscard]] bool surely_readable(u32 offset, unsigned size) const {
        return i64{offset} + size - 1 <= sure_read_last;
    }
    [[nodiscard]] bool surely_writable(u32 offset, unsigned size) const {
        return i64{offset} + size - 1 <= sure_write_last;
    }
    [[nodiscard]] bool may_write(u32 offset, unsigned size) const {
        return offset >= first && i64{offset} + size - 1 <= write_last;
    }

    // To be called after any change of the architectural fields. `rights_apply` is false in real and virtual-8086 mode,
    // where only the limit counts (unreal caches keep theirs).
    void refresh(bool rights_apply) {
        first = 0;
        i64 last = limit;
        const bool code = (attributes & attr_code) != 0;
        if (!code && (attributes & attr_expand_down) != 0) { // SDM vol. 3A, 5.3
            first = limit + 1;
            last = is_32bit() ? 0xFFFF'FFFF : 0xFFFF;
            if (limit == 0xFFFF'FFFF) last = -1;
        }
        constexpr i64 nothing = -1;
        const bool readable = !code || (attributes & attr_writable) != 0;
        const bool writable = !code && (attributes & attr_writable) != 0;
        read_last = usable() && (readable || !rights_apply) ? last : nothing;
        write_last = usable() && (writable || !rights_apply) ? last : nothing;
        sure_read_last = first == 0 ? read_last : nothing;
        sure_write_last = first == 0 ? write_last : nothing;
    }
};

struct DescriptorTable {
    u32 base = 0;
    u32 limit = 0xFFFF; // 16 bits
};

} // namespace truering
