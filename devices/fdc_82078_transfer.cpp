// Fdc82078: the commands that pass over a track: READ, WRITE, READ TRACK, VERIFY, FORMAT TRACK, READ ID.
//
// One sector is one round: find it, move its bytes between buffer and host, store it if it was written, and advance to
// the next as MT, R and EOT say. Every round starts from the alarm. The command ends with TC, at the end of the
// cylinder, or with the first error; then the seven result bytes stand and the interrupt rises.
//
// Source: Intel 82078 datasheet (290475), chapter 5.1 (data transfer commands) and the result phase table there.
#include "devices/fdc_82078.hpp"

#include "base/bits.hpp"
#include "devices/fdc_82078_bits.hpp"

#include <algorithm>

namespace truering {

using namespace fdc;

namespace {

constexpr Nanoseconds sector_duration = 100'000;
constexpr Nanoseconds revolution = 200'000'000;
constexpr Nanoseconds dma_poll_interval = 100'000;
constexpr unsigned most_dma_polls = 2500; // a quarter of a second, more than a turn of the disk

constexpr u8 n_of_512_bytes = 2;

} // namespace

bool Fdc82078::host_gives() const {
    return transfer_.operation == Operation::Write || transfer_.operation == Operation::Format;
}

size_t Fdc82078::threshold() const { return (config_ & CONFIG_EFIFO) != 0 ? 1 : (config_ & 15u) + 1; }

void Fdc82078::begin_transfer(Operation operation, DeletedData deleted) {
    const auto& p = parameters_;
    transfer_ = {};
    transfer_.operation = operation;
    transfer_.deleted = deleted;
    transfer_.mt = test_bit(p[0], 7);
    transfer_.mfm = test_bit(p[0], 6);
    transfer_.sk = test_bit(p[0], 5);
    transfer_.unit = p[1] & 3;
    transfer_.head = test_bit(p[1], 2) ? 1 : 0;
    transfer_.C = p[2];
    transfer_.H = p[3];
    transfer_.R = p[4];
    transfer_.N = p[5];
    transfer_.EOT = p[6];
    const bool counted = operation == Operation::Verify && test_bit(p[1], 7); // EC: DTL counts sectors
    transfer_.sectors_left = counted ? (p[8] != 0 ? p[8] : 256u) : ~0u;
    transfer_.track_sector = 1;
    if ((config_ & CONFIG_EIS) != 0) {
        units_[transfer_.unit].recalibrating = false;
        step_drive(transfer_.unit, transfer_.C);
    }
    after(sector_duration);
}

void Fdc82078::begin_format() {
    const auto& p = parameters_;
    transfer_ = {};
    transfer_.operation = Operation::Format;
    transfer_.mfm = test_bit(p[0], 6);
    transfer_.unit = p[1] & 3;
    transfer_.head = test_bit(p[1], 2) ? 1 : 0;
    transfer_.N = p[2];
    transfer_.sectors_left = p[3] != 0 ? p[3] : 256u;
    transfer_.filler = p[5];
    after(sector_duration);
}

void Fdc82078::transfer_step() {
    if (transfer_.length == 0) return next_sector();
    move_by_dma();
}

// Without a disk, with one of another density, or on a side or track without address marks, the controller sees the
// index hole twice and gives up.
bool Fdc82078::find_track() {
    const FloppyDrive* drive = unit_drive(transfer_.unit);
    const auto rate = static_cast<FloppyRate>(dsr_ & 3);
    if (drive != nullptr && drive->has_disk() && transfer_.mfm && rate == drive->rate() &&
        transfer_.head < drive->format()->heads && drive->track())
        return true;
    end_transfer(ST0_IC_ABNORMAL, ST1_MA, 0);
    return false;
}

bool Fdc82078::find_sector() {
    const FloppyDrive& drive = *unit_drive(transfer_.unit);
    const u8 last = drive.format()->sectors;
    if (transfer_.operation == Operation::ReadTrack) {
        if (transfer_.track_sector <= last) return true;
        end_transfer(ST0_IC_ABNORMAL, ST1_ND, 0);
        return false;
    }
    const bool right_track = transfer_.C == *drive.track();
    if (right_track && transfer_.H == transfer_.head && transfer_.N == n_of_512_bytes && transfer_.R >= 1 &&
        transfer_.R <= last)
        return true;
    end_transfer(ST0_IC_ABNORMAL, ST1_ND, right_track ? 0 : ST2_WC);
    return false;
}

void Fdc82078::next_sector() {
    if (!find_track()) return;
    FloppyDrive& drive = *unit_drive(transfer_.unit);
    transfer_.position = 0;
    if (host_gives() && drive.write_protected()) return end_transfer(ST0_IC_ABNORMAL, ST1_NW, 0);
    if (transfer_.operation == Operation::Format) {
        transfer_.length = 4; // C, H, R and N of the sector to be made
        return move_data();
    }
    if (!find_sector()) return;
    buffer_.fill(0);
    if (transfer_.operation == Operation::Write) {
        transfer_.length = buffer_.size();
        return move_data();
    }
    if (transfer_.deleted == DeletedData::Yes && transfer_.sk) { // every mark is a normal one: skipped
        if (!advance()) return end_transfer(ST0_IC_ABNORMAL, ST1_EN, ST2_CM);
        return after(sector_duration);
    }
    const u8 sector = transfer_.operation == Operation::ReadTrack ? transfer_.track_sector : transfer_.R;
    if (drive.read(transfer_.head, sector, buffer_) != MediumStatus::Ok)
        return end_transfer(ST0_IC_ABNORMAL, ST1_DE, ST2_DD);
    if (transfer_.operation == Operation::Verify) return data_complete();
    transfer_.length = buffer_.size();
    move_data();
}

void Fdc82078::move_data() {
    if ((load_time_and_nd_ & ND) != 0) return announce_bytes();
    if (dma_ != nullptr) dma_->set_dreq(true);
    move_by_dma();
}

// The host may be late in programming its DMA controller; too late is an overrun.
void Fdc82078::move_by_dma() {
    DmaResult moved;
    if (dma_ != nullptr && (dor_ & DOR_DMAGATE) != 0) {
        const std::span<u8> rest(buffer_.data() + transfer_.position, transfer_.length - transfer_.position);
        moved = dma_->transfer(rest, host_gives() ? DmaDirection::Read : DmaDirection::Write);
        transfer_.position += std::min<size_t>(moved.bytes, rest.size());
        transfer_.terminal_count = moved.terminal_count;
    }
    if (transfer_.terminal_count || transfer_.position >= transfer_.length) return data_complete();
    transfer_.waits = moved.bytes != 0 ? 0 : transfer_.waits + 1;
    if (transfer_.waits > most_dma_polls) return end_transfer(ST0_IC_ABNORMAL, ST1_OR, 0);
    after(dma_poll_interval);
}

void Fdc82078::announce_bytes() {
    pio_ready_ = true;
    set_interrupt(true);
}

u8 Fdc82078::read_data_byte() {
    if (!pio_ready_ || host_gives()) return 0;
    set_interrupt(false);
    const u8 value = buffer_[transfer_.position++];
    if (transfer_.position >= transfer_.length) {
        pio_ready_ = false;
        data_complete();
    } else if (transfer_.position % threshold() == 0) {
        set_interrupt(true);
    }
    return value;
}

void Fdc82078::write_data_byte(u8 value) {
    if (!pio_ready_ || !host_gives()) return;
    set_interrupt(false);
    buffer_[transfer_.position++] = value;
    if (transfer_.position >= transfer_.length) {
        pio_ready_ = false;
        data_complete();
    } else if (transfer_.position % threshold() == 0) {
        set_interrupt(true);
    }
}

void Fdc82078::data_complete() {
    transfer_.length = 0;
    if (dma_ != nullptr) dma_->set_dreq(false);
    // The disk may have left the drive while the bytes were under way.
    if (host_gives() && !find_track()) return;
    if (transfer_.operation == Operation::Write && !store_sector()) return;
    if (transfer_.operation == Operation::Format && !format_sector()) return;
    const bool wrong_mark = transfer_.operation == Operation::Read && transfer_.deleted == DeletedData::Yes;
    const bool more = advance();
    if (transfer_.terminal_count || wrong_mark) return end_transfer(ST0_IC_NORMAL, 0, wrong_mark ? ST2_CM : u8{0});
    if (more) return after(sector_duration);
    const bool wants_tc = transfer_.operation == Operation::Read || transfer_.operation == Operation::Write;
    if (wants_tc) return end_transfer(ST0_IC_ABNORMAL, ST1_EN, 0);
    end_transfer(ST0_IC_NORMAL, 0, 0);
}

bool Fdc82078::store_sector() {
    const MediumStatus status = unit_drive(transfer_.unit)->write(transfer_.head, transfer_.R, buffer_);
    if (status == MediumStatus::Ok) return true;
    const bool protect = status == MediumStatus::WriteProtected;
    end_transfer(ST0_IC_ABNORMAL, protect ? ST1_NW : ST1_DE, protect ? 0 : ST2_DD);
    return false;
}

// A raw image has the sectors that it has: others are formatted into nothing.
bool Fdc82078::format_sector() {
    FloppyDrive& drive = *unit_drive(transfer_.unit);
    if (transfer_.position < 4) return true; // TC within an ID: no sector
    transfer_.C = buffer_[0];
    transfer_.H = buffer_[1];
    transfer_.R = buffer_[2];
    const bool exists = transfer_.C == *drive.track() && transfer_.H == transfer_.head &&
                        buffer_[3] == n_of_512_bytes && transfer_.R >= 1 && transfer_.R <= drive.format()->sectors;
    if (!exists) return true;
    buffer_.fill(transfer_.filler);
    return store_sector();
}

// To the next sector; false when this was the last one. What C, H and R then are is the result phase table's.
bool Fdc82078::advance() {
    if (transfer_.operation == Operation::Format) return --transfer_.sectors_left != 0;
    if (transfer_.operation == Operation::ReadTrack) {
        ++transfer_.R;
        return transfer_.track_sector++ != transfer_.EOT;
    }
    --transfer_.sectors_left;
    if (transfer_.R != transfer_.EOT) {
        ++transfer_.R;
        return transfer_.sectors_left != 0;
    }
    transfer_.R = 1;
    if (transfer_.mt) transfer_.H ^= 1;
    if (transfer_.mt && transfer_.head == 0) {
        transfer_.head = 1;
        return transfer_.sectors_left != 0;
    }
    ++transfer_.C;
    return false;
}

void Fdc82078::end_transfer(u8 st0_code, u8 st1, u8 st2) {
    clock_.disarm(alarm_);
    pio_ready_ = false;
    transfer_.length = 0;
    if (dma_ != nullptr) dma_->set_dreq(false);
    const u8 st0 = static_cast<u8>(st0_code | transfer_.head << 2 | transfer_.unit);
    result_with_interrupt(std::array{st0, st1, st2, transfer_.C, transfer_.H, transfer_.R, transfer_.N});
}

// Whatever ID passes the head next: the disk turns with the clock.
void Fdc82078::read_id() {
    const u8 last_EOT = transfer_.EOT;
    transfer_ = {};
    transfer_.EOT = last_EOT;
    transfer_.operation = Operation::Verify;
    transfer_.mfm = test_bit(parameters_[0], 6);
    transfer_.unit = parameters_[1] & 3;
    transfer_.head = test_bit(parameters_[1], 2) ? 1 : 0;
    if (!find_track()) return;
    const FloppyDrive& drive = *unit_drive(transfer_.unit);
    const u64 sectors = drive.format()->sectors;
    transfer_.C = *drive.track();
    transfer_.H = transfer_.head;
    transfer_.R = static_cast<u8>(1 + clock_.now() % revolution * sectors / revolution);
    transfer_.N = n_of_512_bytes;
    end_transfer(ST0_IC_NORMAL, 0, 0);
}

} // namespace truering
