// The formats of floppy disks that PCs have used: how many tracks, sides and sectors, and how fast the bits pass.
//
// A raw image is known by its size alone. Sectors are 512 bytes in all of them.
//
// Source: ECMA-66, -70, -99, -100, -125, -147; the extended 3.5-inch formats are Microsoft's DMF (1.68 MB) and its
// 82-track relative.
#pragma once

#include "base/types.hpp"

#include <array>

namespace truering {

// As the BIOS numbers drive types in CMOS register 10H.
enum class FloppyDriveType : u8 {
    None = 0,
    Inch5_360K = 1,
    Inch5_1200K = 2,
    Inch3_720K = 3,
    Inch3_1440K = 4,
    Inch3_2880K = 5,
};

// As DSR and CCR encode it.
enum class FloppyRate : u8 { Kbps500 = 0, Kbps300 = 1, Kbps250 = 2, Mbps1 = 3 };

struct FloppyFormat {
    u8 cylinders;
    u8 heads;
    u8 sectors; // a track
    FloppyRate rate;
    FloppyDriveType drive; // the least drive that takes it

    [[nodiscard]] constexpr u32 total() const { return u32{cylinders} * heads * sectors; }
};

inline constexpr std::array floppy_formats{
    FloppyFormat{40, 1, 8, FloppyRate::Kbps250, FloppyDriveType::Inch5_360K},   // 160 KB
    FloppyFormat{40, 1, 9, FloppyRate::Kbps250, FloppyDriveType::Inch5_360K},   // 180 KB
    FloppyFormat{40, 2, 8, FloppyRate::Kbps250, FloppyDriveType::Inch5_360K},   // 320 KB
    FloppyFormat{40, 2, 9, FloppyRate::Kbps250, FloppyDriveType::Inch5_360K},   // 360 KB
    FloppyFormat{80, 2, 9, FloppyRate::Kbps250, FloppyDriveType::Inch3_720K},   // 720 KB
    FloppyFormat{80, 2, 15, FloppyRate::Kbps500, FloppyDriveType::Inch5_1200K}, // 1.2 MB
    FloppyFormat{80, 2, 18, FloppyRate::Kbps500, FloppyDriveType::Inch3_1440K}, // 1.44 MB
    FloppyFormat{80, 2, 21, FloppyRate::Kbps500, FloppyDriveType::Inch3_1440K}, // 1.68 MB
    FloppyFormat{82, 2, 21, FloppyRate::Kbps500, FloppyDriveType::Inch3_1440K}, // 1.72 MB
    FloppyFormat{80, 2, 36, FloppyRate::Mbps1, FloppyDriveType::Inch3_2880K},   // 2.88 MB
};

// The format of an image of exactly that many sectors; null for none.
constexpr const FloppyFormat* find_floppy_format(u64 sectors) {
    for (const FloppyFormat& format : floppy_formats)
        if (format.total() == sectors) return &format;
    return nullptr;
}

} // namespace truering
