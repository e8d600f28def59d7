// AtaDisk: IDENTIFY DEVICE and the SET FEATURES that it reports.
//
// Source: ATA/ATAPI-6 (T13/1410D) 8.15 and 8.46.
#include "devices/ata_commands.hpp"
#include "devices/ata_disk.hpp"

#include <algorithm>

namespace truering {

namespace {

constexpr u32 maximum_multiple = 16;
constexpr u8 supported_multiword_dma = 0x07; // modes 0 to 2
constexpr u8 supported_ultra_dma = 0x3F;     // modes 0 to 5

enum class Feature : u8 {
    EnableWriteCache = 0x02,
    SetTransferMode = 0x03,
    DisableLookAhead = 0x55,
    DisableRevert = 0x66,
    DisableWriteCache = 0x82,
    EnableLookAhead = 0xAA,
    EnableRevert = 0xCC,
};

constexpr u16 high_word(u64 value) { return static_cast<u16>(value >> 16); }
constexpr u16 low_word(u64 value) { return static_cast<u16>(value); }

} // namespace

void AtaDisk::set_word(unsigned word, u32 value) {
    buffer_[size_t{word} * 2] = static_cast<u8>(value);
    buffer_[size_t{word} * 2 + 1] = static_cast<u8>(value >> 8);
}

// Texts have the first character of each pair in the high byte.
void AtaDisk::set_text(unsigned first_word, unsigned words, std::string_view text) {
    auto character = [text](size_t i) { return i < text.size() ? static_cast<u8>(text[i]) : u8{' '}; };
    for (unsigned i = 0; i < words; ++i) {
        buffer_[size_t{first_word + i} * 2 + 1] = character(size_t{i} * 2);
        buffer_[size_t{first_word + i} * 2] = character(size_t{i} * 2 + 1);
    }
}

void AtaDisk::identify() {
    transfer_ = {};
    std::fill_n(buffer_.begin(), BlockMedium::sector_size, u8{0});
    set_word(0, 0x0040); // not removable
    set_text(10, 10, names_.serial);
    set_text(23, 4, names_.firmware);
    set_text(27, 20, names_.model);
    identify_geometry();
    identify_capabilities();
    set_word(255, 0x00A5); // the integrity word's signature; then a checksum that makes the sum of all bytes 0
    u8 sum = 0;
    for (size_t i = 0; i < BlockMedium::sector_size - 1; ++i) sum = static_cast<u8>(sum + buffer_[i]);
    buffer_[BlockMedium::sector_size - 1] = static_cast<u8>(-sum);
    give_block(BlockMedium::sector_size);
}

void AtaDisk::identify_geometry() {
    const u64 sectors = medium_.sectors();
    const u64 lba28_sectors = std::min<u64>(sectors, 0x0FFF'FFFF);
    set_word(1, std::min<u32>(default_geometry_.cylinders, 16383));
    set_word(3, default_geometry_.heads);
    // ATA-1's bytes of a track and of a sector: firmware of that time takes its block size from there.
    set_word(4, BlockMedium::sector_size * default_geometry_.sectors);
    set_word(5, BlockMedium::sector_size);
    set_word(6, default_geometry_.sectors);
    set_word(54, std::min<u32>(geometry_.cylinders, 65535));
    set_word(55, geometry_.heads);
    set_word(56, geometry_.sectors);
    const u64 current = std::min<u64>(geometry_.total(), lba28_sectors);
    set_word(57, low_word(current));
    set_word(58, high_word(current));
    set_word(60, low_word(lba28_sectors));
    set_word(61, high_word(lba28_sectors));
    for (unsigned i = 0; i < 4; ++i) set_word(100 + i, low_word(sectors >> (16 * i)));
}

void AtaDisk::identify_capabilities() {
    set_word(20, 3);   // dual-ported buffer with look-ahead
    set_word(21, 512); // of 512 sectors
    set_word(22, 4);   // bytes of ECC
    set_word(47, 0x8000 | maximum_multiple);
    set_word(48, 1);      // 32-bit accesses to the data register
    set_word(49, 0x0B00); // IORDY, LBA, DMA
    set_word(50, 0x4000);
    set_word(51, 0x0200); // PIO and single-word DMA timing
    set_word(52, 0x0200);
    set_word(53, 0x0007); // words 54 to 58, 64 to 70 and 88 hold
    set_word(59, multiple_ != 0 ? 0x0100 | multiple_ : 0);
    set_word(63, supported_multiword_dma | u32{multiword_dma_mode_} << 8);
    set_word(64, 0x0003);                                             // PIO modes 3 and 4
    for (unsigned word = 65; word <= 68; ++word) set_word(word, 120); // ns a cycle
    set_word(80, 0x007E);                                             // ATA-1 to ATA/ATAPI-6
    // NOP, READ and WRITE BUFFER, look-ahead, write cache, power management; FLUSH CACHE (EXT), 48-bit addresses.
    set_word(82, 0x7068);
    set_word(83, 0x7400);
    set_word(84, 0x4000);
    set_word(85, 0x7008 | (look_ahead_ ? 0x40u : 0u) | (write_cache_ ? 0x20u : 0u));
    set_word(86, 0x3400);
    set_word(87, 0x4000);
    set_word(88, supported_ultra_dma | u32{ultra_dma_mode_} << 8);
    // Hardware reset result: CBLID- above the threshold (a cable of 80 conductors), number by jumper, no error.
    set_word(93, number() == 0 ? 0x600B : 0x6B00);
}

void AtaDisk::set_features() {
    constexpr Nanoseconds duration = 20'000;
    switch (static_cast<Feature>(now_.features)) {
    case Feature::EnableWriteCache: write_cache_ = true; break;
    case Feature::DisableWriteCache: // what was written must not stay in a cache
        write_cache_ = false;
        return after(duration, Step::Flush);
    case Feature::EnableLookAhead: look_ahead_ = true; break;
    case Feature::DisableLookAhead: look_ahead_ = false; break;
    case Feature::DisableRevert:
    case Feature::EnableRevert: break; // SRST reverts to the defaults in any case
    case Feature::SetTransferMode:
        if (!set_transfer_mode(now_.count)) return reject(ata_error::ABRT);
        break;
    default: return reject(ata_error::ABRT);
    }
    after(duration, Step::Finish);
}

bool AtaDisk::set_transfer_mode(u8 mode) {
    const unsigned number = mode & 7;
    switch (mode >> 3) {
    case 0: return number <= 1; // PIO default, with or without IORDY
    case 1: return number <= 4; // PIO with flow control
    case 4:                     // multiword DMA
        if (!test_bit(supported_multiword_dma, number)) return false;
        multiword_dma_mode_ = bit<u8>(number);
        ultra_dma_mode_ = 0;
        return true;
    case 8: // Ultra DMA
        if (!test_bit(supported_ultra_dma, number)) return false;
        ultra_dma_mode_ = bit<u8>(number);
        multiword_dma_mode_ = 0;
        return true;
    default: return false;
    }
}

} // namespace truering
