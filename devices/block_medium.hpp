// What a drive sees of the medium inside it: numbered sectors, and no host.
//
// The machine implements it over files and overlays. A drive never learns a path, an errno or a format; it learns
// one of four outcomes and turns them into the error bits of its own datasheet.
#pragma once

#include "base/types.hpp"

#include <span>

namespace truering {

enum class [[nodiscard]] MediumStatus : u8{
    Ok,
    OutOfRange,     // some of the sectors do not exist; nothing was transferred
    WriteProtected, // nothing was written
    HostError,      // the host failed; what the sectors hold now is unknown
};

class BlockMedium {
  public:
    static constexpr u32 sector_size = 512;

    virtual ~BlockMedium() = default;

    // Sectors of 512 bytes. Constant for as long as the medium lies in a drive.
    [[nodiscard]] virtual u64 sectors() const = 0;
    [[nodiscard]] virtual bool writable() const = 0;

    // Whole sectors from `lba` on: the size of the span is a multiple of 512.
    virtual MediumStatus read(u64 lba, std::span<u8> to) = 0;
    virtual MediumStatus write(u64 lba, std::span<const u8> from) = 0;

    // Returns when all that was written would survive a loss of power.
    virtual MediumStatus flush() = 0;

    // Does a medium of this size hold that many sectors from `lba` on? Cannot overflow.
    [[nodiscard]] bool holds(u64 lba, u64 count) const { return lba <= sectors() && count <= sectors() - lba; }
};

// The view of a CD-ROM drive: blocks of 2048 bytes. A last partial block does not exist.
inline constexpr u32 cd_block_size = 2048;
inline constexpr u32 sectors_per_cd_block = cd_block_size / BlockMedium::sector_size;

inline u64 cd_blocks(const BlockMedium& medium) { return medium.sectors() / sectors_per_cd_block; }

} // namespace truering
