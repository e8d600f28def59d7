#include "machine/media/snapshot.hpp"

#include <algorithm>
#include <array>

namespace truering {

namespace {

// The part of a transfer at `lba` of `sectors` that stays within one cluster.
u64 within_cluster(u64 lba, u64 sectors, u64 cluster_sectors) {
    return std::min(sectors, cluster_sectors - lba % cluster_sectors);
}

} // namespace

MediumStatus Snapshot::read(u64 lba, std::span<u8> to) {
    if (!holds(lba, to.size() / sector_size)) return MediumStatus::OutOfRange;
    if (slots_.empty()) return base_->read(lba, to);
    while (!to.empty()) {
        const u64 count = within_cluster(lba, to.size() / sector_size, cluster_sectors);
        const std::span<u8> part = to.first(count * sector_size);
        const auto slot = slots_.find(lba / cluster_sectors);
        MediumStatus status = MediumStatus::Ok;
        if (slot == slots_.end())
            status = base_->read(lba, part);
        else if (const int error =
                     file_->read((slot->second * cluster_sectors + lba % cluster_sectors) * sector_size, part);
                 error != 0)
            status = failure(error);
        if (status != MediumStatus::Ok) return status;
        to = to.subspan(part.size());
        lba += count;
    }
    return MediumStatus::Ok;
}

MediumStatus Snapshot::write(u64 lba, std::span<const u8> from) {
    if (!holds(lba, from.size() / sector_size)) return MediumStatus::OutOfRange;
    while (!from.empty()) {
        const u64 count = within_cluster(lba, from.size() / sector_size, cluster_sectors);
        const MediumStatus status = write_part(lba, from.first(count * sector_size));
        if (status != MediumStatus::Ok) return status;
        from = from.subspan(count * sector_size);
        lba += count;
    }
    return MediumStatus::Ok;
}

// The cluster enters the map only after it lies in the file as a whole.
MediumStatus Snapshot::write_part(u64 lba, std::span<const u8> from) {
    const u64 cluster = lba / cluster_sectors;
    const u64 first = cluster * cluster_sectors;
    const u64 offset = (lba - first) * sector_size;
    if (const auto slot = slots_.find(cluster); slot != slots_.end())
        return failure(file_->write(slot->second * cluster_sectors * sector_size + offset, from));
    std::array<u8, cluster_sectors * sector_size> bytes{};
    const u64 present = std::min(cluster_sectors, sectors() - first);
    if (from.size() < present * sector_size) {
        const MediumStatus status = base_->read(first, std::span(bytes).first(present * sector_size));
        if (status != MediumStatus::Ok) return status;
    }
    std::copy(from.begin(), from.end(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
    if (!file_) {
        try {
            file_ = HostFile::temporary();
        } catch (const MediaError& error) {
            if (messages_ && last_error_ == 0) messages_(error.what());
            last_error_ = -1;
            return MediumStatus::HostError;
        }
    }
    const u64 slot = slots_.size();
    const MediumStatus status = failure(file_->write(slot * bytes.size(), bytes));
    if (status == MediumStatus::Ok) slots_.emplace(cluster, slot);
    return status;
}

MediumStatus Snapshot::failure(int error) {
    if (error != 0 && error != last_error_ && messages_)
        messages_("snapshot: cannot use the temporary file: " + error_text(error) +
                  "; set TMPDIR to where there is room");
    last_error_ = error;
    return error == 0 ? MediumStatus::Ok : MediumStatus::HostError;
}

} // namespace truering
