#include "devices/ide_drive.hpp"

#include <algorithm>

namespace truering {

namespace {

constexpr Nanoseconds reset_duration = 100'000;

} // namespace

void IdeDrive::reset() {
    stop();
    restarting_ = false;
    now_ = {};
    previous_ = {};
    restart();
    put_signature();
    status_ = ready_status();
}

u8 IdeDrive::read_register(AtaReg reg, bool previous) const {
    const TaskFile& file = previous ? previous_ : now_;
    switch (reg) {
    case AtaReg::ErrorFeatures: return error_;
    case AtaReg::SectorCount: return file.count;
    case AtaReg::LbaLow: return file.lba_low;
    case AtaReg::LbaMid: return file.lba_mid;
    case AtaReg::LbaHigh: return file.lba_high;
    case AtaReg::Device: return device_;
    default: return status_;
    }
}

// A drive that works on a command does not look at the task file; the host is told not to write it then.
void IdeDrive::write_register(AtaReg reg, u8 value) {
    if ((status_ & ata_status::BSY) != 0 && reg != AtaReg::Device) return;
    auto push = [value](u8& present, u8& earlier) {
        earlier = present;
        present = value;
    };
    switch (reg) {
    case AtaReg::ErrorFeatures: push(now_.features, previous_.features); break;
    case AtaReg::SectorCount: push(now_.count, previous_.count); break;
    case AtaReg::LbaLow: push(now_.lba_low, previous_.lba_low); break;
    case AtaReg::LbaMid: push(now_.lba_mid, previous_.lba_mid); break;
    case AtaReg::LbaHigh: push(now_.lba_high, previous_.lba_high); break;
    case AtaReg::Device: device_ = value | ata_device::obsolete_ones; break;
    default: break;
    }
}

// A command written while another waits with DRQ abandons that one; written while BSY, it is lost.
void IdeDrive::write_command(u8 command) {
    if (restarting_) return;
    if ((status_ & ata_status::BSY) != 0 && !obeys_while_busy(command)) return;
    stop();
    error_ = 0;
    status_ = static_cast<u8>(status_ & ~(ata_status::ERR | ata_status::DF | ata_status::DRQ | ata_status::BSY));
    start(command);
}

u16 IdeDrive::read_data() {
    if (phase_ != Phase::DataIn) return 0;
    const u8 low = buffer_[position_];
    const u8 high = position_ + 1 < length_ ? buffer_[position_ + 1] : u8{0};
    position_ += 2;
    if (position_ >= length_) end_of_block();
    return static_cast<u16>(low | high << 8);
}

void IdeDrive::write_data(u16 value) {
    if (phase_ != Phase::DataOut) return;
    buffer_[position_] = static_cast<u8>(value);
    if (position_ + 1 < length_) buffer_[position_ + 1] = static_cast<u8>(value >> 8);
    position_ += 2;
    if (position_ >= length_) end_of_block();
}

size_t IdeDrive::dma_read(std::span<u8> to) {
    if (phase_ != Phase::DmaIn) return 0;
    const size_t count = std::min(to.size(), length_ - position_);
    std::copy_n(buffer_.data() + position_, count, to.data());
    position_ += count;
    if (position_ >= length_) end_of_block();
    return count;
}

size_t IdeDrive::dma_write(std::span<const u8> from) {
    if (phase_ != Phase::DmaOut) return 0;
    const size_t count = std::min(from.size(), length_ - position_);
    std::copy_n(from.data(), count, buffer_.data() + position_);
    position_ += count;
    if (position_ >= length_) end_of_block();
    return count;
}

void IdeDrive::end_of_block() {
    phase_ = Phase::Busy;
    status_ = static_cast<u8>((status_ & ~ata_status::DRQ) | ata_status::BSY);
    dmarq.lower();
    block_done();
}

void IdeDrive::soft_reset(bool level) {
    if (level) {
        stop();
        restarting_ = true;
        status_ = ata_status::BSY;
        return;
    }
    if (restarting_) clock_.arm(alarm_, clock_.now() + reset_duration);
}

void IdeDrive::execute_diagnostic() {
    if (restarting_) return;
    stop();
    put_signature();
    status_ = ready_status();
    if (number_ == 0) intrq.raise(); // device 0 reports for both
}

void IdeDrive::alarm_fired() {
    if (!restarting_) {
        if (phase_ == Phase::Busy) work();
        return;
    }
    restarting_ = false;
    restart();
    put_signature();
    status_ = ready_status();
}

void IdeDrive::busy_for(Nanoseconds duration) {
    phase_ = Phase::Busy;
    status_ = static_cast<u8>((status_ & ~ata_status::DRQ) | ata_status::BSY);
    clock_.arm(alarm_, clock_.now() + duration);
}

void IdeDrive::data_phase(Phase phase, size_t length) {
    phase_ = phase;
    position_ = 0;
    length_ = std::min(length, buffer_.size());
    const bool by_dma = phase == Phase::DmaIn || phase == Phase::DmaOut;
    const u8 ready = ata_status::DRDY | ata_status::DSC;
    status_ = by_dma ? u8{ready | ata_status::BSY} : u8{ready | ata_status::DRQ};
}

void IdeDrive::give_block(size_t length) {
    data_phase(Phase::DataIn, length);
    intrq.raise();
}

void IdeDrive::take_block(size_t length) { data_phase(Phase::DataOut, length); }

// The bus master may take the whole block before raise() returns, and the phase may be another one then.
void IdeDrive::give_by_dma(size_t length) {
    data_phase(Phase::DmaIn, length);
    dmarq.raise();
}

void IdeDrive::take_by_dma(size_t length) {
    data_phase(Phase::DmaOut, length);
    dmarq.raise();
}

void IdeDrive::finish_silently() {
    phase_ = Phase::Idle;
    status_ = ata_status::DRDY | ata_status::DSC;
    error_ = 0;
}

void IdeDrive::finish() {
    finish_silently();
    intrq.raise();
}

void IdeDrive::fail(u8 error, u8 extra_status) {
    phase_ = Phase::Idle;
    status_ = static_cast<u8>(ata_status::DRDY | ata_status::DSC | ata_status::ERR | extra_status);
    error_ = error;
    intrq.raise();
}

void IdeDrive::stop() {
    clock_.disarm(alarm_);
    phase_ = Phase::Idle;
    position_ = length_ = 0;
    dmarq.lower();
    intrq.lower();
}

// After a reset: the diagnostic code in Error, and a signature by which the host tells disks from packet devices.
void IdeDrive::put_in_signature(u8 mid, u8 high) {
    constexpr u8 no_error_detected = 1;
    error_ = no_error_detected;
    now_.count = 1;
    now_.lba_low = 1;
    now_.lba_mid = mid;
    now_.lba_high = high;
    previous_ = {};
    device_ = ata_device::obsolete_ones;
}

} // namespace truering
