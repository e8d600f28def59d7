#include "devices/atapi_cdrom.hpp"

#include "devices/ata_commands.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace truering {

namespace {

constexpr Nanoseconds command_delay = 20'000;
constexpr Nanoseconds packet_delay = 30'000;
constexpr Nanoseconds chunk_delay = 10'000;

// The sector count register during PACKET: the interrupt reason.
constexpr u8 CD = 1 << 0; // a command packet, or the status at the end; else data
constexpr u8 IO = 1 << 1; // to the host

constexpr u8 supported_multiword_dma = 0x07;
constexpr u8 supported_ultra_dma = 0x07;

} // namespace

AtapiCdrom::AtapiCdrom(Clock& clock, const AtapiNames& names) : IdeDrive(clock), names_(names) { reset(); }

// Disc, tray and attention are not the electronics' state and stay; modes and lock do not.
void AtapiCdrom::restart() {
    step_ = Step::None;
    expecting_ = Expecting::Nothing;
    locked_ = false;
    sense_ = {};
    blocks_left_ = 0;
    stage_length_ = stage_position_ = 0;
    multiword_dma_mode_ = bit<u8>(2);
    ultra_dma_mode_ = 0;
    error_recovery_ = {0, 5, 0, 0, 0, 0};
    audio_control_ = {4, 0, 0, 0, 0, 0, 1, 0xFF, 2, 0xFF, 0, 0, 0, 0};
}

void AtapiCdrom::insert(BlockMedium& disc) {
    disc_ = &disc;
    tray_open_ = false;
    attention_ = true;
    event_ = MediaEvent::NewMedia;
}

void AtapiCdrom::eject() {
    if (disc_ != nullptr) event_ = MediaEvent::MediaRemoval;
    disc_ = nullptr;
    attention_ = false;
}

bool AtapiCdrom::press_eject() {
    if (locked_) {
        event_ = MediaEvent::EjectRequest;
        return false;
    }
    eject();
    return true;
}

// --- ATA commands

bool AtapiCdrom::obeys_while_busy(u8 command) const { return command == static_cast<u8>(AtaCommand::DeviceReset); }

void AtapiCdrom::start(u8 command) {
    step_ = Step::None;
    expecting_ = Expecting::Nothing;
    switch (static_cast<AtaCommand>(command)) {
    case AtaCommand::Packet: return take_packet();
    case AtaCommand::IdentifyPacketDevice: return after(command_delay, Step::Identify);
    case AtaCommand::DeviceReset: return device_reset();
    case AtaCommand::IdentifyDevice:
    case AtaCommand::ReadSectors: return reject_with_signature();
    case AtaCommand::SetFeatures: return set_features();
    case AtaCommand::StandbyImmediate:
    case AtaCommand::StandbyImmediateOld:
    case AtaCommand::IdleImmediate:
    case AtaCommand::IdleImmediateOld:
    case AtaCommand::Sleep:
    case AtaCommand::SleepOld:
    case AtaCommand::FlushCache: return after(command_delay, Step::Finish);
    case AtaCommand::CheckPowerMode:
    case AtaCommand::CheckPowerModeOld: now_.count = 0xFF; return after(command_delay, Step::Finish);
    default: return reject();
    }
}

void AtapiCdrom::after(Nanoseconds duration, Step step) {
    step_ = step;
    busy_for(duration);
}

void AtapiCdrom::reject() { after(command_delay, Step::Reject); }

// By this the host that asks a packet device as if it were a disk learns what it is.
void AtapiCdrom::reject_with_signature() {
    put_signature();
    reject();
}

void AtapiCdrom::device_reset() {
    const u8 selected = device_ & ata_device::DEV;
    restart();
    put_signature();
    device_ = ata_device::obsolete_ones | selected;
    status_ = ready_status();
}

void AtapiCdrom::work() {
    switch (std::exchange(step_, Step::None)) {
    case Step::Reject: return fail(ata_error::ABRT);
    case Step::Finish: return finish();
    case Step::Identify: return identify();
    case Step::ExecutePacket: return execute_packet();
    case Step::NextChunk: return next_chunk();
    case Step::Complete: return complete();
    case Step::SelectModes: return select_modes();
    case Step::None: return finish_silently();
    }
}

void AtapiCdrom::block_done() {
    switch (std::exchange(expecting_, Expecting::Nothing)) {
    case Expecting::Packet:
        std::copy_n(buffer_.begin(), packet_.size(), packet_.begin());
        return after(packet_delay, Step::ExecutePacket);
    case Expecting::Parameters: return after(packet_delay, Step::SelectModes);
    case Expecting::Data: return after(chunk_delay, Step::NextChunk);
    case Expecting::Nothing: return finish_silently(); // IDENTIFY PACKET DEVICE
    }
}

void AtapiCdrom::set_word(unsigned word, u32 value) {
    buffer_[size_t{word} * 2] = static_cast<u8>(value);
    buffer_[size_t{word} * 2 + 1] = static_cast<u8>(value >> 8);
}

void AtapiCdrom::set_text(unsigned first_word, unsigned words, std::string_view text) {
    auto character = [text](size_t i) { return i < text.size() ? static_cast<u8>(text[i]) : u8{' '}; };
    for (unsigned i = 0; i < words; ++i) {
        buffer_[size_t{first_word + i} * 2 + 1] = character(size_t{i} * 2);
        buffer_[size_t{first_word + i} * 2] = character(size_t{i} * 2 + 1);
    }
}

void AtapiCdrom::identify() {
    std::fill_n(buffer_.begin(), 512, u8{0});
    set_word(0, 0x85C0); // ATAPI, CD-ROM, removable, DRQ within 50 us, packets of 12 bytes
    set_text(10, 10, names_.serial);
    set_text(23, 4, names_.revision);
    set_text(27, 20, names_.vendor + " " + names_.product);
    set_word(49, 0x0B00); // IORDY, LBA, DMA
    set_word(51, 0x0200);
    set_word(53, 0x0006); // words 64 to 70 and 88 hold
    set_word(63, supported_multiword_dma | u32{multiword_dma_mode_} << 8);
    set_word(64, 0x0003);
    for (unsigned word = 65; word <= 68; ++word) set_word(word, 120);
    set_word(71, 30); // typical us from PACKET to bus release, and from SERVICE to BSY clear
    set_word(72, 30);
    set_word(80, 0x003E); // ATA-1 to ATA/ATAPI-5
    set_word(82, 0x0218); // DEVICE RESET, PACKET, power management
    set_word(83, 0x4000);
    set_word(84, 0x4000);
    set_word(85, 0x0218);
    set_word(87, 0x4000);
    set_word(88, supported_ultra_dma | u32{ultra_dma_mode_} << 8);
    set_word(93, number() == 0 ? 0x600B : 0x6B00);
    give_block(512);
}

void AtapiCdrom::set_features() {
    constexpr u8 set_transfer_mode = 0x03;
    const unsigned mode_number = now_.count & 7;
    bool known = now_.features == set_transfer_mode;
    switch (now_.count >> 3) {
    case 0:
    case 1: known = known && mode_number <= 4; break; // PIO
    case 4:
        known = known && test_bit(supported_multiword_dma, mode_number);
        if (!known) break;
        multiword_dma_mode_ = bit<u8>(mode_number);
        ultra_dma_mode_ = 0;
        break;
    case 8:
        known = known && test_bit(supported_ultra_dma, mode_number);
        if (!known) break;
        ultra_dma_mode_ = bit<u8>(mode_number);
        multiword_dma_mode_ = 0;
        break;
    default: known = false;
    }
    if (!known) return reject();
    after(command_delay, Step::Finish);
}

// --- the packet protocol

// Features: bit 0 DMA, bit 1 overlap, which this drive does not have. An odd byte count limit is rounded down; zero,
// which the standard leaves open, counts as the largest.
void AtapiCdrom::take_packet() {
    constexpr size_t largest_limit = 0xFFFE;
    if (test_bit(now_.features, 1)) return reject();
    by_dma_ = test_bit(now_.features, 0);
    byte_limit_ = (size_t{now_.lba_high} << 8 | now_.lba_mid) & largest_limit;
    if (byte_limit_ == 0) byte_limit_ = largest_limit;
    blocks_left_ = 0;
    stage_length_ = stage_position_ = 0;
    now_.count = CD;
    expecting_ = Expecting::Packet;
    take_block(packet_.size());
}

void AtapiCdrom::reply(size_t allocation_length) {
    stage_length_ = std::min(stage_length_, allocation_length);
    stage_position_ = 0;
    next_chunk();
}

void AtapiCdrom::next_chunk() {
    if (stage_position_ == stage_length_) {
        if (blocks_left_ == 0) return complete();
        if (!stage_next_blocks()) return;
    }
    size_t count = stage_length_ - stage_position_;
    if (!by_dma_) count = std::min(count, byte_limit_);
    std::copy_n(stage_.begin() + static_cast<std::ptrdiff_t>(stage_position_), count, buffer_.begin());
    stage_position_ += count;
    expecting_ = Expecting::Data;
    now_.count = IO;
    if (by_dma_) return give_by_dma(count);
    now_.lba_mid = static_cast<u8>(count);
    now_.lba_high = static_cast<u8>(count >> 8);
    give_block(count);
}

size_t AtapiCdrom::Parts::size() const {
    return (sync ? cd_sync_size : 0) + (header ? cd_header_size : 0) + (data ? cd_data_size : 0) +
           (correction ? cd_correction_size : 0) + error_bytes;
}

// False after CHECK CONDITION. The blocks exist: the command looked.
bool AtapiCdrom::stage_next_blocks() {
    constexpr Sense no_medium{2, 0x3A, 0};
    constexpr Sense unrecovered_read_error{3, 0x11, 0};
    const size_t count = static_cast<size_t>(std::min<u64>(blocks_left_, blocks_per_stage));
    if (!is_ready() || next_block_ + count > blocks()) return check_condition(no_medium), false;
    stage_length_ = stage_position_ = 0;
    for (size_t i = 0; i < count; ++i, ++next_block_, --blocks_left_) {
        std::array<u8, cd_data_size> data;
        if (disc_->read(next_block_ * sectors_per_cd_block, data) != MediumStatus::Ok) {
            if (i != 0) break; // first deliver what could be read
            return check_condition(unrecovered_read_error), false;
        }
        auto put = [this](std::span<const u8> part) {
            std::copy(part.begin(), part.end(), stage_.begin() + static_cast<std::ptrdiff_t>(stage_length_));
            stage_length_ += part.size();
        };
        if (parts_.only_data()) {
            put(data);
            continue;
        }
        const std::array<u8, cd_raw_size> raw = make_cd_sector(next_block_, data);
        const std::span<const u8> all(raw);
        if (parts_.sync) put(all.first(cd_sync_size));
        if (parts_.header) put(all.subspan(cd_sync_size, cd_header_size));
        if (parts_.data) put(data);
        if (parts_.correction) put(all.last(cd_correction_size));
        constexpr std::array<u8, most_error_bytes> no_errors{};
        put(std::span<const u8>(no_errors).first(parts_.error_bytes));
    }
    return true;
}

void AtapiCdrom::complete() {
    now_.count = IO | CD;
    finish();
}

void AtapiCdrom::check_condition(Sense sense) {
    sense_ = sense;
    blocks_left_ = 0;
    stage_length_ = stage_position_ = 0;
    now_.count = IO | CD;
    fail(static_cast<u8>(sense.key << 4));
}

void AtapiCdrom::take_parameters(size_t length) {
    if (length == 0) return complete();
    parameters_length_ = std::min(length, byte_limit_);
    expecting_ = Expecting::Parameters;
    now_.count = 0;
    if (by_dma_) return take_by_dma(parameters_length_);
    now_.lba_mid = static_cast<u8>(parameters_length_);
    now_.lba_high = static_cast<u8>(parameters_length_ >> 8);
    take_block(parameters_length_);
    intrq.raise();
}

} // namespace truering
