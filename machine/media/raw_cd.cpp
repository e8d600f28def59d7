#include "machine/media/raw_cd.hpp"

#include <algorithm>
#include <array>

namespace truering {

MediumStatus RawCd::read(u64 lba, std::span<u8> to) {
    if (!holds(lba, to.size() / sector_size)) return MediumStatus::OutOfRange;
    for (; !to.empty(); ++lba, to = to.subspan(sector_size)) {
        const u64 offset =
            lba / sectors_per_cd_block * raw_size + data_offset_ + lba % sectors_per_cd_block * sector_size;
        const MediumStatus status = read_bytes(offset, to.first(sector_size));
        if (status != MediumStatus::Ok) return status;
    }
    return MediumStatus::Ok;
}

// Any 512 bytes of the file lie in at most two of its sectors.
MediumStatus RawCd::read_bytes(u64 offset, std::span<u8> to) {
    std::array<u8, 2 * sector_size> two{};
    const u64 first = offset / sector_size;
    const u64 skip = offset % sector_size;
    const u64 count = std::min<u64>(2, bytes_->sectors() - first);
    const MediumStatus status = bytes_->read(first, std::span(two).first(count * sector_size));
    if (status != MediumStatus::Ok) return status;
    std::copy_n(two.begin() + static_cast<std::ptrdiff_t>(skip), to.size(), to.begin());
    return MediumStatus::Ok;
}

} // namespace truering
