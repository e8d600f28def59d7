// A CD-ROM sector as it lies on the disc: sync, header, 2048 bytes of data, EDC and ECC. Mode 1.
//
// Source: ECMA-130, clauses 14 (sectors) and annex A (error correction).
#pragma once

#include "base/types.hpp"

#include <array>
#include <span>

namespace truering {

inline constexpr size_t cd_sync_size = 12;
inline constexpr size_t cd_header_size = 4;
inline constexpr size_t cd_data_size = 2048;
inline constexpr size_t cd_correction_size = 288; // EDC, 8 zero bytes, P and Q parity
inline constexpr size_t cd_raw_size = 2352;

// Minutes, seconds and frames (75 a second) of an address; block 0 lies at 00:02:00. Minutes stop at 255.
struct CdTime {
    u8 minute;
    u8 second;
    u8 frame;
};
CdTime cd_time(u64 block);
u64 cd_block(CdTime time); // times before 00:02:00 give block 0

std::array<u8, cd_raw_size> make_cd_sector(u64 block, std::span<const u8, cd_data_size> data);

} // namespace truering
