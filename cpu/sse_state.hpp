// The state that MMX, SSE and SSE2 add to the processor, as values.
//
// A Packed is a register's worth of bytes, lane 0 lowest, as memory holds it. Lanes are read and written by copying, so
// any lane type may look at any register. Packed64 is what an MMX register (the significand of an x87 register) holds;
// Packed128 is what an XMM register holds. Float and double lanes are legal views, but only the float bodies use them:
// moves go by bits, so that a signalling NaN survives them.
//
// SseState.mxcsr is the guest's MXCSR; while a HostMxcsr (cpu/semantics/sse_host.hpp) is held, its six exception flags
// lag behind the host's register, and HostMxcsr::guest_mxcsr gives the true value.
// Source: SDM volume 1, 10.2 (XMM registers, MXCSR), 9.2 (MMX), 11.6.6 (MXCSR mask).
#pragma once

#include "base/types.hpp"

#include <array>
#include <bit>

namespace truering {

static_assert(std::endian::native == std::endian::little, "lanes are viewed in the host's byte order");

template <unsigned Bytes> struct alignas(Bytes) Packed {
    static constexpr unsigned size = Bytes;
    template <class Lane> static constexpr unsigned count = Bytes / sizeof(Lane);
    template <class Lane> using Lanes = std::array<Lane, Bytes / sizeof(Lane)>;

    std::array<u8, Bytes> bytes{};

    template <class Lane> static constexpr Packed of(const Lanes<Lane>& lanes) { return std::bit_cast<Packed>(lanes); }

    // The value with its lowest lane given and all others zero.
    template <class Lane> static constexpr Packed low(Lane lane) {
        Lanes<Lane> lanes{};
        lanes[0] = lane;
        return of<Lane>(lanes);
    }

    template <class Lane> constexpr Lanes<Lane> lanes() const { return std::bit_cast<Lanes<Lane>>(*this); }

    // Lane i, i < count<Lane>.
    template <class Lane> Lane get(unsigned i) const {
        Lane lane;
        __builtin_memcpy(&lane, bytes.data() + i * sizeof(Lane), sizeof(Lane));
        return lane;
    }
    template <class Lane> void set(unsigned i, Lane lane) {
        __builtin_memcpy(bytes.data() + i * sizeof(Lane), &lane, sizeof(Lane));
    }

    friend constexpr bool operator==(const Packed&, const Packed&) = default;
};

using Packed64 = Packed<8>;
using Packed128 = Packed<16>;
static_assert(sizeof(Packed128) == 16 && alignof(Packed128) == 16 && sizeof(Packed64) == 8);

// Bits of MXCSR, and the groups of them.
namespace mxcsr {
inline constexpr u32 IE = 1U << 0; // invalid operation
inline constexpr u32 DE = 1U << 1; // denormal operand
inline constexpr u32 ZE = 1U << 2; // divide by zero
inline constexpr u32 OE = 1U << 3; // overflow
inline constexpr u32 UE = 1U << 4; // underflow
inline constexpr u32 PE = 1U << 5; // precision
inline constexpr u32 DAZ = 1U << 6;
inline constexpr u32 IM = 1U << 7;
inline constexpr u32 DM = 1U << 8;
inline constexpr u32 ZM = 1U << 9;
inline constexpr u32 OM = 1U << 10;
inline constexpr u32 UM = 1U << 11;
inline constexpr u32 PM = 1U << 12;
inline constexpr u32 RC = 3U << 13;
inline constexpr u32 FZ = 1U << 15;

inline constexpr unsigned mask_shift = 7; // from a flag to its mask
inline constexpr unsigned RC_shift = 13;

inline constexpr u32 flags = IE | DE | ZE | OE | UE | PE;
inline constexpr u32 masks = flags << mask_shift;
inline constexpr u32 pre_computation = IE | DE | ZE;

inline constexpr u32 reset_value = 0x1F80; // all masked, nearest even

// What FXSAVE stores as MXCSR_MASK; bits outside are reserved and make LDMXCSR and FXRSTOR raise #GP(0).
inline constexpr u32 mask_pentium3 = 0x0000FFBF; // no DAZ
inline constexpr u32 mask_pentium4 = 0x0000FFFF;
} // namespace mxcsr

struct SseState {
    std::array<Packed128, 8> xmm{};
    u32 mxcsr = mxcsr::reset_value;
};

} // namespace truering
