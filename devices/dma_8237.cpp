#include "devices/dma_8237.hpp"

namespace truering {

namespace {

// Mode register
constexpr unsigned autoinitialise = 4;
constexpr unsigned address_decrement = 5;

constexpr u8 all_channels = 0x0F;

} // namespace

void Dma8237::reset() {
    channels_ = {};
    dreqs_ = 0;
    master_clear();
}

void Dma8237::master_clear() {
    command_ = terminal_counts_ = software_requests_ = temporary_ = 0;
    high_byte_next_ = false;
    masks_ = all_channels;
}

// --- Cycles ----------------------------------------------------------------------------------------------------

bool Dma8237::enabled(unsigned channel) const {
    return controller_enabled() && !test_bit(masks_, channel) && transfer_mode(channel) != Mode::Cascade &&
           transfer(channel) != Transfer::Illegal;
}

void Dma8237::set_dreq(unsigned channel, bool level) { dreqs_ = with_bit(dreqs_, channel, level); }

void Dma8237::move_address(Channel& channel) {
    channel.current_address =
        static_cast<u16>(channel.current_address + (test_bit(channel.mode, address_decrement) ? -1 : 1));
}

bool Dma8237::step(unsigned number) {
    Channel& channel = channels_[number];
    move_address(channel);
    channel.current_count = static_cast<u16>(channel.current_count - 1);
    if (channel.current_count != 0xFFFF) return false;
    terminal_counts_ = with_bit(terminal_counts_, number, true);
    software_requests_ = with_bit(software_requests_, number, false);
    if (test_bit(channel.mode, autoinitialise)) {
        channel.current_address = channel.base_address;
        channel.current_count = channel.base_count;
    } else {
        masks_ = with_bit(masks_, number, true);
    }
    return true;
}

void Dma8237::step_source() {
    if (!source_address_holds()) move_address(channels_[0]);
    channels_[0].current_count = static_cast<u16>(channels_[0].current_count - 1);
    software_requests_ = with_bit(software_requests_, 0, !test_bit(terminal_counts_, 1));
}

// --- Registers -------------------------------------------------------------------------------------------------

u8 Dma8237::read_half(u16 value) {
    const bool high = high_byte_next_;
    high_byte_next_ = !high_byte_next_;
    return static_cast<u8>(high ? value >> 8 : value);
}

void Dma8237::write_half(u16& base, u16& current, u8 value) {
    base = static_cast<u16>(high_byte_next_ ? (base & 0x00FF) | value << 8 : (base & 0xFF00) | value);
    current = base;
    high_byte_next_ = !high_byte_next_;
}

u8 Dma8237::read(unsigned address) {
    if (address < 8) {
        const Channel& channel = channels_[address / 2];
        return read_half((address & 1) != 0 ? channel.current_count : channel.current_address);
    }
    switch (static_cast<Reg>(address & 15)) {
    case Reg::StatusCommand: {
        const u8 status = static_cast<u8>((dreqs_ | software_requests_) << 4 | terminal_counts_);
        terminal_counts_ = 0;
        return status;
    }
    case Reg::TemporaryMasterClear: return temporary_;
    case Reg::AllMask: return masks_ | 0xF0;
    default: return 0xFF; // write-only
    }
}

void Dma8237::write(unsigned address, u8 value) {
    if (address < 8) {
        Channel& channel = channels_[address / 2];
        if ((address & 1) != 0)
            write_half(channel.base_count, channel.current_count, value);
        else
            write_half(channel.base_address, channel.current_address, value);
        return;
    }
    const unsigned named = value & 3u;
    switch (static_cast<Reg>(address & 15)) {
    case Reg::StatusCommand: command_ = value; break;
    case Reg::Request: software_requests_ = with_bit(software_requests_, named, test_bit(value, 2)); break;
    case Reg::SingleMask: masks_ = with_bit(masks_, named, test_bit(value, 2)); break;
    case Reg::Mode: channels_[named].mode = value; break;
    case Reg::ClearFlipFlop: high_byte_next_ = false; break;
    case Reg::TemporaryMasterClear: master_clear(); break;
    case Reg::ClearMask: masks_ = 0; break;
    case Reg::AllMask: masks_ = value & all_channels; break;
    }
}

} // namespace truering
