#include "machine/media/qcow2_header.hpp"

#include <algorithm>
#include <array>
#include <fmt/core.h>

namespace truering {

namespace {

using Cause = MediaError::Cause;

constexpr u32 magic = 0x514649FB; // "QFI" FBH
constexpr u32 backing_format_extension = 0xE2792ACA;
constexpr size_t header_size_2 = 72;
constexpr size_t header_size_3 = 104;
constexpr u64 most_l1_bytes = 32 << 20;
constexpr u64 most_refcount_table_bytes = 8 << 20;
constexpr size_t most_backing_name = 1023;

[[noreturn]] void damaged(const std::string& path, const std::string& what) {
    throw MediaError(Cause::Damaged, path, "is a damaged qcow2 image: " + what, "try qemu-img check -r all");
}

[[noreturn]] void unsupported(const std::string& path, const std::string& what) {
    throw MediaError(Cause::Unsupported, path, "is a qcow2 image with " + what,
                     "convert it: qemu-img convert -O qcow2 OLD NEW");
}

void read_exactly(const HostFile& file, u64 offset, std::span<u8> to) {
    if (const int error = file.read(offset, to); error != 0)
        throw MediaError(Cause::Host, file.path(), "cannot be read: " + error_text(error), "");
}

void check(const Qcow2Header& header, const std::string& path) {
    if (header.cluster_bits < 9 || header.cluster_bits > 21) damaged(path, "its cluster size");
    const u64 cluster_mask = header.cluster_size() - 1;
    const u64 needed = header.size / header.bytes_per_l2() + (header.size % header.bytes_per_l2() != 0 ? 1 : 0);
    if (u64{header.l1_entries} * 8 > most_l1_bytes || header.l1_entries < needed) damaged(path, "its L1 table's size");
    if ((header.l1_offset & cluster_mask) != 0) damaged(path, "its L1 table's place");
    if ((header.refcount_table_offset & cluster_mask) != 0 || header.refcount_table_offset == 0)
        damaged(path, "its refcount table's place");
    if (header.refcount_table_clusters * header.cluster_size() > most_refcount_table_bytes)
        damaged(path, "its refcount table's size");
    if (header.refcount_order > 6) damaged(path, "its refcounts' width");
}

std::string read_backing_format(const HostFile& file, u64 at, u64 end) {
    while (at + 8 <= end) {
        std::array<u8, 8> start{};
        read_exactly(file, at, start);
        const u64 type = load_big_endian(start, 0, 4);
        const u64 length = load_big_endian(start, 4, 4);
        if (type == 0 || length > end) break;
        if (type == backing_format_extension && length <= 16) {
            std::string name(length, 0);
            std::array<u8, 16> bytes{};
            read_exactly(file, at + 8, std::span(bytes).first(length));
            std::copy_n(bytes.begin(), length, name.begin());
            return name;
        }
        at += 8 + (length + 7) / 8 * 8;
    }
    return "";
}

} // namespace

u64 load_big_endian(std::span<const u8> bytes, size_t at, size_t count) {
    u64 value = 0;
    for (size_t i = 0; i < count; ++i) value = value << 8 | bytes[at + i];
    return value;
}

void store_big_endian(std::span<u8> bytes, size_t at, size_t count, u64 value) {
    for (size_t i = 0; i < count; ++i) bytes[at + i] = static_cast<u8>(value >> (8 * (count - 1 - i)));
}

Qcow2Header Qcow2Header::read(const HostFile& file) {
    std::array<u8, 112> bytes{};
    read_exactly(file, 0, bytes);
    auto u32_at = [&bytes](size_t at) { return static_cast<u32>(load_big_endian(bytes, at, 4)); };
    auto u64_at = [&bytes](size_t at) { return load_big_endian(bytes, at, 8); };
    const std::string& path = file.path();
    Qcow2Header header;
    header.version = u32_at(4);
    if (u32_at(0) != magic) damaged(path, "no magic number");
    if (header.version != 2 && header.version != 3) unsupported(path, fmt::format("version {}", header.version));
    header.cluster_bits = u32_at(20);
    header.size = u64_at(24);
    header.l1_entries = u32_at(36);
    header.l1_offset = u64_at(40);
    header.refcount_table_offset = u64_at(48);
    header.refcount_table_clusters = u32_at(56);
    u64 header_length = header_size_2;
    if (header.version == 3) {
        header.incompatible = u64_at(72);
        header.refcount_order = u32_at(96);
        header_length = u32_at(100);
    }
    check(header, path);
    if (u32_at(32) != 0) unsupported(path, "encryption");
    if (header_length > header_size_3 && bytes[104] != 0) unsupported(path, "zstd compression");
    if ((header.incompatible & ~(incompatible_dirty | incompatible_corrupt | 8)) != 0)
        unsupported(path, fmt::format("incompatible features {:X}H", header.incompatible));
    const u64 name_offset = u64_at(8);
    const u64 name_length = u32_at(16);
    if (name_offset != 0) {
        if (name_length > most_backing_name || name_offset + name_length > header.cluster_size())
            damaged(path, "its backing file's name");
        std::array<u8, most_backing_name> name{};
        read_exactly(file, name_offset, std::span(name).first(name_length));
        header.backing_file.assign(name.begin(), name.begin() + static_cast<std::ptrdiff_t>(name_length));
    }
    header.backing_format =
        read_backing_format(file, header_length, name_offset != 0 ? name_offset : header.cluster_size());
    return header;
}

// Cluster 0: the header. 1: the refcount table. 2: the first refcount block. From 3 on: the L1 table.
void Qcow2Header::create(HostFile& file, u64 size, const std::string& backing_file, const std::string& backing_format) {
    Qcow2Header header;
    const u64 cluster = header.cluster_size();
    const u64 l1_entries = (size + header.bytes_per_l2() - 1) / header.bytes_per_l2();
    const u64 l1_clusters = std::max<u64>(1, (l1_entries * 8 + cluster - 1) / cluster);
    if (l1_entries * 8 > most_l1_bytes || backing_file.size() > most_backing_name)
        throw MediaError(Cause::TooLarge, file.path(), "its size or backing file's name is too large", "");
    std::vector<u8> bytes(3 * cluster);
    store_big_endian(bytes, 0, 4, magic);
    store_big_endian(bytes, 4, 4, header.version);
    store_big_endian(bytes, 20, 4, header.cluster_bits);
    store_big_endian(bytes, 24, 8, size);
    store_big_endian(bytes, 36, 4, l1_entries);
    store_big_endian(bytes, 40, 8, 3 * cluster);
    store_big_endian(bytes, 48, 8, cluster);
    store_big_endian(bytes, 56, 4, 1);
    store_big_endian(bytes, 96, 4, header.refcount_order);
    store_big_endian(bytes, 100, 4, header_size_3);
    size_t at = header_size_3;
    if (!backing_file.empty()) {
        store_big_endian(bytes, at, 4, backing_format_extension);
        store_big_endian(bytes, at + 4, 4, backing_format.size());
        std::copy(backing_format.begin(), backing_format.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at + 8));
        at += 8 + (backing_format.size() + 7) / 8 * 8 + 8; // and the end mark
        store_big_endian(bytes, 8, 8, at);
        store_big_endian(bytes, 16, 4, backing_file.size());
        std::copy(backing_file.begin(), backing_file.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    }
    store_big_endian(bytes, cluster, 8, 2 * cluster);
    for (u64 i = 0; i < 3 + l1_clusters; ++i) store_big_endian(bytes, 2 * cluster + 2 * i, 2, 1);
    int error = file.write(0, bytes);
    if (error == 0) error = file.resize((3 + l1_clusters) * cluster);
    if (error != 0) throw MediaError(Cause::Host, file.path(), "cannot be written: " + error_text(error), "");
}

} // namespace truering
