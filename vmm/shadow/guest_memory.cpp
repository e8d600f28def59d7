#include "vmm/shadow/guest_memory.hpp"

namespace ringmaster {

u32 GuestMemory::machine_frame(u32 guest_frame) const {
    const u32 frame = guest_frame & frame_mask;
    if (hidden.contains(frame)) return empty_frame;
    for (u32 n = 0; n < substitute_count; ++n)
        if (substitutes[n].guest_frame == frame) return substitutes[n].machine_frame;
    return frame;
}

bool GuestMemory::is_uneven(u32 first_frame) const {
    const FrameRange large{first_frame, frames_per_large};
    if ((~frame_mask & (frames_per_large - 1)) != 0) return true;
    if (hidden.count != 0 && (large.contains(hidden.first) || hidden.contains(first_frame))) return true;
    for (u32 n = 0; n < substitute_count; ++n)
        if (large.contains(substitutes[n].guest_frame)) return true;
    return false;
}

u8* GuestMemory::bytes(u32 guest_frame) const {
    if (hidden.contains(guest_frame & frame_mask)) return nullptr;
    return reach(context, machine_frame(guest_frame));
}

} // namespace ringmaster
