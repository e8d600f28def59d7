// Guest-physical memory as the shadow sees it: what machine frame stands behind a guest frame, and where the VMM can
// reach it.
//
// Guest-physical is machine-physical, except for
// - the hidden range, where the VMM lives: the guest sees an empty socket there (one frame that nothing answers);
// - substituted frames: another frame stands in, as for a patched page of the BIOS;
// - address bit 20, while the guest has A20 masked (the processor ignores A20M# under a VMM).
// A frame is a physical address divided by 4096: 24 bits on a processor with 36 address bits.
#pragma once

#include "base/types.hpp"

namespace ringmaster {

using namespace truering;

inline constexpr u32 frames_per_large = 512; // of a 2-MiB page

struct FrameRange {
    u32 first = 0;
    u32 count = 0;

    [[nodiscard]] constexpr bool contains(u32 frame) const { return frame - first < count; }
};

struct Substitute {
    u32 guest_frame;
    u32 machine_frame;
};

struct GuestMemory {
    static constexpr u32 substitutes_most = 8;

    // The bytes of a machine frame in the VMM's own address space; nullptr beyond the reach of its map. Entries of
    // guest tables are read and written there, never more than a page.
    u8* (*reach)(void* context, u32 machine_frame) = nullptr;
    void* context = nullptr;
    FrameRange hidden;
    u32 empty_frame = 0; // what the guest finds in the hidden range
    Substitute substitutes[substitutes_most] = {};
    u32 substitute_count = 0;
    u32 frame_mask = ~u32{0}; // ~100H while the guest has A20 masked

    [[nodiscard]] u32 machine_frame(u32 guest_frame) const;
    // Not every frame of the 2 MiB that begin at this machine frame is itself.
    [[nodiscard]] bool is_uneven(u32 first_frame) const;
    // The bytes of a guest frame; nullptr if the guest finds nothing there that the VMM could read (reads as ones).
    [[nodiscard]] u8* bytes(u32 guest_frame) const;
};

} // namespace ringmaster
