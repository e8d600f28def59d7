#include "vmm/shadow/linear.hpp"

namespace ringmaster {

namespace {

u32 bytes_to_page_end(u32 linear) { return page_size - page_offset(linear); }

u32 smaller(u32 a, u32 b) { return a < b ? a : b; }

} // namespace

LinearOutcome LinearMemory::read(u32 linear, void* to, u32 size) {
    u8* target = static_cast<u8*>(to);
    while (size != 0) {
        const Translation t = shadow_.translate(linear, Access::Read, privilege_);
        if (t.result == Translation::Result::Faulted) {
            fault_ = t.fault;
            return LinearOutcome::Faulted;
        }
        const u32 here = smaller(size, bytes_to_page_end(linear));
        for (u32 n = 0; n < here; ++n) target[n] = t.bytes == nullptr ? u8{0xFF} : t.bytes[n];
        target += here;
        linear += here;
        size -= here;
    }
    return LinearOutcome::Done;
}

LinearOutcome LinearMemory::write(u32 linear, const void* from, u32 size) {
    const u8* source = static_cast<const u8*>(from);
    while (size != 0) {
        const Translation t = shadow_.translate(linear, Access::Write, privilege_);
        if (t.result == Translation::Result::Faulted) {
            fault_ = t.fault;
            return LinearOutcome::Faulted;
        }
        const u32 here = smaller(size, bytes_to_page_end(linear));
        for (u32 n = 0; n < here && t.bytes != nullptr; ++n) t.bytes[n] = source[n];
        source += here;
        linear += here;
        size -= here;
    }
    return LinearOutcome::Done;
}

LinearOutcome LinearMemory::probe_write(u32 linear, u32 size) {
    while (size != 0) {
        const Translation t = shadow_.translate(linear, Access::Write, privilege_);
        if (t.result == Translation::Result::Faulted) {
            fault_ = t.fault;
            return LinearOutcome::Faulted;
        }
        const u32 here = smaller(size, bytes_to_page_end(linear));
        linear += here;
        size -= here;
    }
    return LinearOutcome::Done;
}

} // namespace ringmaster
