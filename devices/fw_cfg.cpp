#include "devices/fw_cfg.hpp"

#include "base/bits.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace truering {

namespace {

constexpr u16 first_file = static_cast<u16>(FwCfg::Key::FirstFile);
constexpr u16 most_files = 0x1000;
constexpr u16 key_mask = 0xBFFF; // bit 14 selected a write channel once; bit 15 is the architecture's items

constexpr u32 id_traditional = 1;
constexpr u32 id_dma = 2;

// DMA descriptor: control, length, address, all big-endian
constexpr u64 descriptor_size = 16;
constexpr u32 ctl_error = 0x01;
constexpr u32 ctl_read = 0x02;
constexpr u32 ctl_skip = 0x04;
constexpr u32 ctl_select = 0x08;
constexpr u32 ctl_write = 0x10;

constexpr u64 dma_signature = 0x51454D55'20434647; // "QEMU CFG"

std::vector<u8> little_endian(u64 value, unsigned size) {
    std::vector<u8> bytes(size);
    for (unsigned i = 0; i < size; ++i) bytes[i] = static_cast<u8>(value >> (8 * i));
    return bytes;
}

std::vector<u8> with_zero(std::string_view text) {
    std::vector<u8> bytes(text.begin(), text.end());
    bytes.push_back(0);
    return bytes;
}

void append_big_endian(std::vector<u8>& to, u32 value, unsigned size) {
    for (unsigned i = size; i > 0; --i) to.push_back(static_cast<u8>(value >> (8 * (i - 1))));
}

u64 big_endian(std::span<const u8> bytes) {
    u64 value = 0;
    for (u8 byte : bytes) value = value << 8 | byte;
    return value;
}

} // namespace

FwCfg::FwCfg(PhysicalMemory& memory) : memory_(memory) {
    add_item(Key::Signature, {'Q', 'E', 'M', 'U'});
    add_u32(Key::Id, id_traditional | id_dma);
    build_directory();
}

void FwCfg::map(PortBus& bus) {
    bus.map(selector_port, 2, *this, PortWidth::Word);
    bus.map(dma_port, 8, *this, PortWidth::Dword);
}

void FwCfg::reset() {
    select(0);
    dma_address_ = 0;
}

// --- Contents --------------------------------------------------------------------------------------------------

void FwCfg::add_item(Key key, std::vector<u8> bytes) {
    items_[static_cast<u16>(key) & key_mask].bytes = std::move(bytes);
}
void FwCfg::add_u16(Key key, u16 value) { add_item(key, little_endian(value, 2)); }
void FwCfg::add_u32(Key key, u32 value) { add_item(key, little_endian(value, 4)); }
void FwCfg::add_u64(Key key, u64 value) { add_item(key, little_endian(value, 8)); }
void FwCfg::add_string(Key key, std::string_view text) { add_item(key, with_zero(text)); }

void FwCfg::add_file(std::string_view name, std::vector<u8> bytes, Access access) {
    if (name.size() > longest_name) throw std::length_error("fw_cfg file name too long: " + std::string(name));
    auto found = files_.find(name);
    if (found == files_.end()) {
        if (files_.size() == most_files) throw std::length_error("too many fw_cfg files");
        const u16 key = static_cast<u16>(first_file + files_.size());
        found = files_.emplace(std::string(name), key).first;
    }
    items_[found->second] = {std::move(bytes), access};
    build_directory();
}

void FwCfg::add_file_u64(std::string_view name, u64 value) { add_file(name, little_endian(value, 8)); }
void FwCfg::add_file_string(std::string_view name, std::string_view text) { add_file(name, with_zero(text)); }

void FwCfg::add_e820(std::span<const MemoryRange> ranges) {
    std::vector<u8> table;
    for (const MemoryRange& range : ranges) {
        const auto append = [&](u64 value, unsigned size) {
            const std::vector<u8> bytes = little_endian(value, size);
            table.insert(table.end(), bytes.begin(), bytes.end());
        };
        append(range.address, 8);
        append(range.length, 8);
        append(range.type, 4);
    }
    add_file("etc/e820", std::move(table));
}

const std::vector<u8>* FwCfg::file(std::string_view name) const {
    const auto found = files_.find(name);
    return found == files_.end() ? nullptr : &items_.at(found->second).bytes;
}

// Count, then for each file: size, key, two reserved bytes, name in 56 bytes.
void FwCfg::build_directory() {
    std::vector<u8> directory;
    append_big_endian(directory, static_cast<u32>(files_.size()), 4);
    for (const auto& [name, key] : files_) {
        append_big_endian(directory, static_cast<u32>(items_[key].bytes.size()), 4);
        append_big_endian(directory, key, 2);
        append_big_endian(directory, 0, 2);
        directory.insert(directory.end(), name.begin(), name.end());
        directory.resize(directory.size() + longest_name + 1 - name.size());
    }
    add_item(Key::FileDir, std::move(directory));
}

// --- Reading ---------------------------------------------------------------------------------------------------

void FwCfg::select(u16 key) {
    key_ = key & key_mask;
    offset_ = 0;
}

FwCfg::Item* FwCfg::selected() {
    const auto found = items_.find(key_);
    return found == items_.end() ? nullptr : &found->second;
}

u8 FwCfg::next_byte() {
    const Item* item = selected();
    if (item == nullptr || offset_ >= item->bytes.size()) return 0;
    return item->bytes[offset_++];
}

u32 FwCfg::read_port(u16 port, unsigned size) {
    if (port == data_port) return next_byte();
    if (port < dma_port) return size == 2 ? u32{next_byte()} << 8 : 0u; // the selector is write-only
    // The DMA port tells what it is, most significant byte first.
    u32 value = 0;
    for (unsigned i = 0; i < size; ++i) {
        const unsigned byte = port - dma_port + i;
        value |= static_cast<u32>(dma_signature >> (8 * (7 - byte)) & 0xFF) << (8 * i);
    }
    return value;
}

void FwCfg::write_port(u16 port, u32 value, unsigned size) {
    if (port == selector_port) return select(static_cast<u16>(size == 1 ? (key_ & 0xFF00u) | value : value));
    if (port < dma_port) return; // writing to items through the data port is no longer done
    for (unsigned i = 0; i < size; ++i) {
        const unsigned shift = 8 * (7 - (port - dma_port + i));
        dma_address_ = (dma_address_ & ~(u64{0xFF} << shift)) | u64{value >> (8 * i) & 0xFF} << shift;
    }
    if (port + size == dma_port + 8) run_dma();
}

// --- DMA -------------------------------------------------------------------------------------------------------

void FwCfg::run_dma() {
    const Physical descriptor{dma_address_};
    dma_address_ = 0;
    std::array<u8, descriptor_size> bytes{};
    memory_.read(descriptor, bytes);
    const std::span<const u8> fields(bytes);
    const u32 control = static_cast<u32>(big_endian(fields.first(4)));
    const u32 length = static_cast<u32>(big_endian(fields.subspan(4, 4)));
    const Physical address{big_endian(fields.subspan(8, 8))};

    if ((control & ctl_select) != 0) select(static_cast<u16>(control >> 16));
    bool good = true;
    if ((control & ctl_read) != 0)
        good = dma_read(address, length);
    else if ((control & ctl_write) != 0)
        good = dma_write(address, length);
    else if ((control & ctl_skip) != 0)
        skip(length);
    std::vector<u8> result;
    append_big_endian(result, good ? 0 : ctl_error, 4);
    memory_.write(descriptor, result);
}

void FwCfg::skip(u32 length) {
    const Item* item = selected();
    if (item != nullptr) offset_ = std::min<u64>(offset_ + length, item->bytes.size());
}

bool FwCfg::dma_read(Physical to, u32 length) {
    const Item* item = selected();
    u64 there = 0;
    if (item != nullptr && offset_ < item->bytes.size()) {
        there = std::min<u64>(length, item->bytes.size() - offset_);
        memory_.write(to, std::span(item->bytes).subspan(offset_, there));
        offset_ += there;
    }
    fill_zeros(to + there, length - there);
    return true;
}

// Behind an item's end there are zeros. Only RAM gets them: a guest may ask for 4 GiB of them anywhere, and a device
// that took them byte by byte would keep the machine for long.
void FwCfg::fill_zeros(Physical first, u64 length) {
    static constexpr std::array<u8, page_size> zeros{};
    while (length != 0) {
        const u64 part = std::min<u64>(length, page_size - page_offset(first.value));
        if (memory_.is_ram(first)) memory_.write(first, std::span(zeros).first(part));
        first = first + part;
        length -= part;
    }
}

bool FwCfg::dma_write(Physical from, u32 length) {
    Item* item = selected();
    if (item == nullptr || item->access != Access::Writable || offset_ + length > item->bytes.size()) return false;
    memory_.read(from, std::span(item->bytes).subspan(offset_, length));
    offset_ += length;
    return true;
}

} // namespace truering
