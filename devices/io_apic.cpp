#include "devices/io_apic.hpp"

namespace truering {

namespace {

constexpr u32 ioregsel = 0x00;
constexpr u32 iowin = 0x10;
constexpr u32 version = 0x0017'0011; // 24 entries, 82093AA

constexpr u64 mask_bit = u64{1} << 16;
constexpr u64 level_bit = u64{1} << 15;
constexpr u64 remote_irr_bit = u64{1} << 14;
constexpr u64 logical_bit = u64{1} << 11;
constexpr u64 writable_bits = 0xFF00'0000'0001'AFFF; // not delivery status, not Remote IRR

} // namespace

IoApic::IoApic(LocalApic& processor) : processor_(processor) {
    processor.set_eoi_listener(this);
    reset();
}

void IoApic::reset() {
    select_ = 0;
    id_ = 0;
    redirection_.fill(mask_bit);
}

void IoApic::send(unsigned input) {
    const u64 entry = redirection_[input];
    InterruptMessage message;
    message.vector = static_cast<u8>(entry);
    message.delivery = static_cast<DeliveryMode>(bits(entry, 10, 8));
    message.destination_mode = (entry & logical_bit) != 0 ? DestinationMode::Logical : DestinationMode::Physical;
    message.destination = static_cast<u8>(entry >> 56);
    const bool level = (entry & level_bit) != 0;
    message.trigger = level ? TriggerMode::Level : TriggerMode::Edge;
    if (processor_.deliver(message) && level) redirection_[input] |= remote_irr_bit;
}

void IoApic::serve_level(unsigned input) {
    if (is_asserted(input) && (redirection_[input] & (mask_bit | level_bit | remote_irr_bit)) == level_bit) send(input);
}

void IoApic::hear_input(unsigned number, bool level) {
    if (number >= input_count) return;
    const bool was = is_asserted(number);
    inputs_ = with_bit(inputs_, number, level);
    if ((redirection_[number] & level_bit) != 0)
        serve_level(number);
    else if (level && !was && (redirection_[number] & mask_bit) == 0)
        send(number);
}

void IoApic::end_of_interrupt(u8 vector) {
    for (unsigned input = 0; input < input_count; ++input) {
        if ((redirection_[input] & remote_irr_bit) == 0 || static_cast<u8>(redirection_[input]) != vector) continue;
        redirection_[input] &= ~remote_irr_bit;
        serve_level(input);
    }
}

u32 IoApic::read_register() const {
    switch (static_cast<Reg>(select_)) {
    case Reg::IOAPICID:
    case Reg::IOAPICARB: return id_;
    case Reg::IOAPICVER: return version;
    default: break;
    }
    const unsigned number = select_ - static_cast<unsigned>(Reg::IOREDTBL);
    if (select_ < static_cast<unsigned>(Reg::IOREDTBL) || number / 2 >= input_count) return 0;
    return static_cast<u32>(redirection_[number / 2] >> (32 * (number % 2)));
}

void IoApic::write_register(u32 value) {
    if (select_ == static_cast<u8>(Reg::IOAPICID)) id_ = value & 0x0F00'0000;
    const unsigned number = select_ - static_cast<unsigned>(Reg::IOREDTBL);
    if (select_ < static_cast<unsigned>(Reg::IOREDTBL) || number / 2 >= input_count) return;
    const unsigned shift = 32 * (number % 2);
    write_entry(number / 2, u64{value} << shift, u64{0xFFFF'FFFF} << shift);
}

// An entry that becomes edge-triggered forgets Remote IRR: software uses this to end an interrupt by hand.
void IoApic::write_entry(unsigned input, u64 value, u64 bits_written) {
    const u64 changeable = writable_bits & bits_written;
    u64 entry = (redirection_[input] & ~changeable) | (value & changeable);
    if ((entry & level_bit) == 0) entry &= ~remote_irr_bit;
    redirection_[input] = entry;
    serve_level(input);
}

u32 IoApic::read_mmio(u32 offset, unsigned) {
    switch (offset & 0xFF) {
    case ioregsel: return select_;
    case iowin: return read_register();
    default: return 0;
    }
}

void IoApic::write_mmio(u32 offset, u32 value, unsigned) {
    switch (offset & 0xFF) {
    case ioregsel: select_ = static_cast<u8>(value); break;
    case iowin: write_register(value); break;
    default: break;
    }
}

} // namespace truering
