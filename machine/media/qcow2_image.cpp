#include "machine/media/qcow2_image.hpp"

#include "base/bits.hpp"

#include <algorithm>
#include <cerrno>
#include <fmt/core.h>
#include <zlib.h>

namespace truering {

namespace {

constexpr u64 copied = u64{1} << 63; // refcount is 1: may be written in place
constexpr u64 compressed = u64{1} << 62;
constexpr u64 all_zero = 1;
constexpr u64 offset_mask = 0x00FF'FFFF'FFFF'FE00;
constexpr size_t most_cached_tables = 64;

} // namespace

Qcow2Image::Qcow2Image(HostFile file, const Qcow2Header& header, std::unique_ptr<BlockMedium> backing,
                       MessageSink messages)
    : file_(std::move(file)), header_(header), backing_(std::move(backing)), messages_(std::move(messages)),
      writable_(file_.writable()) {
    constexpr unsigned written_refcount_order = 4;
    const bool unsafe =
        (header_.incompatible & (Qcow2Header::incompatible_dirty | Qcow2Header::incompatible_corrupt)) != 0;
    if (writable_ && (unsafe || header_.refcount_order != written_refcount_order)) {
        writable_ = false;
        if (messages_)
            messages_(file_.path() + (unsafe ? ": was not closed properly; opened write-protected; repair it with "
                                               "qemu-img check -r all"
                                             : ": has refcounts of an unusual width; opened write-protected"));
    }
    if (writable_) file_.lock_for_writing();
    int error = read_table(header_.l1_offset, header_.l1_entries, l1_);
    if (error == 0)
        error = read_table(header_.refcount_table_offset, header_.refcount_table_clusters * header_.cluster_size() / 8,
                           refcount_table_);
    if (error != 0) throw MediaError(MediaError::Cause::Host, file_.path(), "cannot be read: " + error_text(error), "");
    next_cluster_ = (file_.size() + header_.cluster_size() - 1) >> header_.cluster_bits;
}

MediumStatus Qcow2Image::read(u64 lba, std::span<u8> to) {
    if (!holds(lba, to.size() / sector_size)) return MediumStatus::OutOfRange;
    u64 offset = lba * sector_size;
    while (!to.empty()) {
        const u64 rest = header_.cluster_size() - offset % header_.cluster_size();
        const size_t count = static_cast<size_t>(std::min<u64>(rest, to.size()));
        if (const int error = read_part(offset, to.first(count)); error != 0) return outcome("read", error);
        to = to.subspan(count);
        offset += count;
    }
    return MediumStatus::Ok;
}

MediumStatus Qcow2Image::write(u64 lba, std::span<const u8> from) {
    if (!writable_) return MediumStatus::WriteProtected;
    if (!holds(lba, from.size() / sector_size)) return MediumStatus::OutOfRange;
    u64 offset = lba * sector_size;
    while (!from.empty()) {
        const u64 rest = header_.cluster_size() - offset % header_.cluster_size();
        const size_t count = static_cast<size_t>(std::min<u64>(rest, from.size()));
        if (const int error = write_part(offset, from.first(count)); error != 0) return outcome("write", error);
        from = from.subspan(count);
        offset += count;
    }
    return outcome("write", 0);
}

MediumStatus Qcow2Image::flush() { return writable_ ? outcome("flush", file_.flush()) : MediumStatus::Ok; }

MediumStatus Qcow2Image::outcome(const char* action, int error) {
    if (error != 0 && error != last_error_ && messages_)
        messages_(
            fmt::format("{}: cannot {}: {}; the guest sees a disk error", file_.path(), action, error_text(error)));
    last_error_ = error;
    return error == 0 ? MediumStatus::Ok : MediumStatus::HostError;
}

// --- within one cluster

int Qcow2Image::read_part(u64 offset, std::span<u8> to) {
    Place place;
    if (const int error = find(offset >> header_.cluster_bits, place); error != 0) return error;
    const u64 inside = offset & (header_.cluster_size() - 1);
    switch (place.kind) {
    case Place::Kind::Data: return file_.read(place.offset + inside, to);
    case Place::Kind::Zero: std::fill(to.begin(), to.end(), u8{0}); return 0;
    case Place::Kind::Backing: return read_backing(offset, to);
    case Place::Kind::Compressed: break;
    }
    if (const int error = read_compressed(place); error != 0) return error;
    std::copy_n(inflated_.begin() + static_cast<std::ptrdiff_t>(inside), to.size(), to.begin());
    return 0;
}

int Qcow2Image::write_part(u64 offset, std::span<const u8> from) {
    const u64 cluster = offset >> header_.cluster_bits;
    const u64 inside = offset & (header_.cluster_size() - 1);
    Place place;
    if (const int error = find(cluster, place); error != 0) return error;
    if (place.kind == Place::Kind::Data && place.own) return file_.write(place.offset + inside, from);
    std::vector<u8> bytes(header_.cluster_size());
    if (from.size() != bytes.size())
        if (const int error = read_part(cluster << header_.cluster_bits, bytes); error != 0) return error;
    std::copy(from.begin(), from.end(), bytes.begin() + static_cast<std::ptrdiff_t>(inside));
    u64 fresh = 0;
    if (const int error = allocate(fresh); error != 0) return error;
    if (const int error = file_.write(fresh, bytes); error != 0) return error;
    if (const int error = set_l2_entry(cluster, fresh | copied); error != 0) return error;
    return release(place);
}

// The backing medium may be shorter than this one; there is nothing but zeros behind it.
int Qcow2Image::read_backing(u64 offset, std::span<u8> to) {
    const u64 first = offset / sector_size;
    const u64 there = backing_ != nullptr && first < backing_->sectors() ? backing_->sectors() - first : 0;
    const size_t count = static_cast<size_t>(std::min<u64>(there * sector_size, to.size()));
    std::fill(to.begin() + static_cast<std::ptrdiff_t>(count), to.end(), u8{0});
    if (count == 0) return 0;
    return backing_->read(first, to.first(count)) == MediumStatus::Ok ? 0 : EIO;
}

int Qcow2Image::read_compressed(const Place& place) {
    constexpr int raw_deflate = -15;
    if (inflated_offset_ == place.offset) return 0;
    inflated_offset_.reset();
    inflated_.assign(header_.cluster_size(), 0);
    std::vector<u8> packed(place.length);
    if (const int error = file_.read(place.offset, packed); error != 0) return error;
    z_stream stream{};
    if (inflateInit2(&stream, raw_deflate) != Z_OK) return ENOMEM;
    stream.next_in = packed.data();
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = inflated_.data();
    stream.avail_out = static_cast<uInt>(inflated_.size());
    const int result = inflate(&stream, Z_FINISH);
    const bool complete = stream.avail_out == 0 && (result == Z_STREAM_END || result == Z_BUF_ERROR || result == Z_OK);
    inflateEnd(&stream);
    if (!complete) return EIO;
    inflated_offset_ = place.offset;
    return 0;
}

// --- the tables

Qcow2Image::Place Qcow2Image::place_of(u64 entry) const {
    Place place;
    if ((entry & compressed) != 0) {
        const unsigned offset_bits = 62 - (header_.cluster_bits - 8);
        place.kind = Place::Kind::Compressed;
        place.offset = bits(entry, offset_bits - 1, 0);
        const u64 more_sectors = bits(entry, 61, offset_bits);
        place.length = (more_sectors + 1) * sector_size - place.offset % sector_size;
        return place;
    }
    place.offset = entry & offset_mask;
    place.own = (entry & copied) != 0;
    if (header_.version >= 3 && (entry & all_zero) != 0)
        place.kind = Place::Kind::Zero;
    else if (place.offset != 0)
        place.kind = Place::Kind::Data;
    return place;
}

int Qcow2Image::find(u64 cluster, Place& place) {
    const u64 index = cluster / header_.l2_entries();
    const u64 offset = index < l1_.size() ? l1_[index] & offset_mask : 0;
    place = {};
    if (offset == 0) return 0;
    std::vector<u64>* table = nullptr;
    if (const int error = load_l2(offset, table); error != 0) return error;
    place = place_of((*table)[cluster % header_.l2_entries()]);
    return place.kind == Place::Kind::Data && place.offset % header_.cluster_size() != 0 ? EIO : 0;
}

int Qcow2Image::read_table(u64 offset, u64 entries, std::vector<u64>& table) const {
    std::vector<u8> bytes(entries * 8);
    if (const int error = file_.read(offset, bytes); error != 0) return error;
    table.resize(entries);
    for (u64 i = 0; i < entries; ++i) table[i] = load_big_endian(bytes, i * 8, 8);
    return 0;
}

// The cache is written through, so all of it can be dropped at any time.
int Qcow2Image::load_l2(u64 offset, std::vector<u64>*& table) {
    if (offset % header_.cluster_size() != 0) return EIO;
    const auto cached = l2_cache_.find(offset);
    if (cached != l2_cache_.end()) {
        table = &cached->second;
        return 0;
    }
    if (l2_cache_.size() >= most_cached_tables) l2_cache_.clear();
    std::vector<u64> fresh;
    if (const int error = read_table(offset, header_.l2_entries(), fresh); error != 0) return error;
    table = &(l2_cache_[offset] = std::move(fresh));
    return 0;
}

// Makes sure that the L2 table of an L1 entry exists and belongs to nobody else.
int Qcow2Image::own_l2(u64 index, u64& offset) {
    if (index >= l1_.size()) return EIO;
    const u64 old = l1_[index] & offset_mask;
    offset = old;
    if (old != 0 && (l1_[index] & copied) != 0) return 0;
    std::vector<u8> bytes(header_.cluster_size());
    if (old != 0)
        if (const int error = file_.read(old, bytes); error != 0) return error;
    if (const int error = allocate(offset); error != 0) return error;
    if (const int error = file_.write(offset, bytes); error != 0) return error;
    if (const int error = write_number(header_.l1_offset + index * 8, offset | copied, 8); error != 0) return error;
    l1_[index] = offset | copied;
    return old != 0 ? change_refcount(old >> header_.cluster_bits, -1) : 0;
}

int Qcow2Image::set_l2_entry(u64 cluster, u64 entry) {
    u64 offset = 0;
    if (const int error = own_l2(cluster / header_.l2_entries(), offset); error != 0) return error;
    const u64 index = cluster % header_.l2_entries();
    std::vector<u64>* table = nullptr;
    if (const int error = load_l2(offset, table); error != 0) return error;
    if (const int error = write_number(offset + index * 8, entry, 8); error != 0) return error;
    (*table)[index] = entry;
    return 0;
}

int Qcow2Image::write_number(u64 offset, u64 value, size_t bytes) {
    std::array<u8, 8> number{};
    store_big_endian(number, 0, bytes, value);
    return file_.write(offset, std::span(number).first(bytes));
}

// --- space

int Qcow2Image::allocate(u64& offset) {
    const u64 cluster = next_cluster_++;
    offset = cluster << header_.cluster_bits;
    return change_refcount(cluster, 1);
}

int Qcow2Image::release(const Place& place) {
    if (place.offset == 0) return 0;
    const u64 length = place.kind == Place::Kind::Compressed ? place.length : 1;
    if (place.kind == Place::Kind::Compressed) inflated_offset_.reset();
    const u64 last = (place.offset + length - 1) >> header_.cluster_bits;
    for (u64 cluster = place.offset >> header_.cluster_bits; cluster <= last; ++cluster)
        if (const int error = change_refcount(cluster, -1); error != 0) return error;
    return 0;
}

int Qcow2Image::change_refcount(u64 cluster, int change) {
    u64 block = 0;
    if (const int error = refcount_block(cluster, block); error != 0) return error;
    const u64 at = block + cluster % header_.refcounts_per_block() * 2;
    std::array<u8, 2> bytes{};
    if (const int error = file_.read(at, bytes); error != 0) return error;
    const u64 count = load_big_endian(bytes, 0, 2);
    if ((change < 0 && count == 0) || (change > 0 && count == 0xFFFF)) return 0; // damaged already
    return write_number(at, change < 0 ? count - 1 : count + 1, 2);
}

// Where the refcounts around a cluster's are. A new block is a cluster itself, mostly one that it counts.
int Qcow2Image::refcount_block(u64 cluster, u64& offset) {
    const u64 index = cluster / header_.refcounts_per_block();
    if (index >= refcount_table_.size()) return EFBIG;
    offset = refcount_table_[index] & offset_mask;
    if (offset != 0) return 0;
    const u64 block_cluster = next_cluster_++;
    offset = block_cluster << header_.cluster_bits;
    if (const int error = file_.write(offset, std::vector<u8>(header_.cluster_size())); error != 0) return error;
    if (const int error = write_number(header_.refcount_table_offset + index * 8, offset, 8); error != 0) return error;
    refcount_table_[index] = offset;
    return change_refcount(block_cluster, 1);
}

} // namespace truering
