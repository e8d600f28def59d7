// The CHS translation with which a hard disk image was made, as far as it can be told.
//
// Idea: whoever partitioned the disk left its notion of heads and sectors in the partition table, where partitions end
// (and mostly end on a cylinder). Without a table, the translation that BIOSes use for the size.
#pragma once

#include "devices/ata_disk.hpp"
#include "devices/block_medium.hpp"

namespace truering {

// The geometry that the drive itself reports: at most 16 heads and 63 sectors.
DiskGeometry guess_geometry(BlockMedium& medium);

// Does sector 0 hold a partition table with at least one plausible partition?
bool has_partitions(std::span<const u8> sector_0, u64 sectors);

} // namespace truering
