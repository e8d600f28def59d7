// The I/O APIC (82093AA): 24 interrupt inputs, each with a redirection entry that says which message a request becomes.
//
// Edge-triggered inputs send on the rising edge and forget it while masked. Level-triggered ones send while high, once:
// Remote IRR stays set until the processor's end of interrupt for that vector comes back, and the input is looked at
// again then. Inputs are given as asserted or not, so the polarity bit is remembered and means nothing.
//
// The machine wires ISA request n to input n, except that request 0, the timer, is input 2 (as firmware tells with an
// interrupt source override); PCI interrupts arrive as the ISA requests they are routed to. It maps 4 KiB at FEC00000H.
//
// Source: Intel 82093AA datasheet (290566).
#pragma once

#include "devices/local_apic.hpp"

namespace truering {

class IoApic final : public MmioDevice, public EndOfInterruptListener {
  public:
    static constexpr u64 default_base = 0xFEC0'0000;
    static constexpr u32 page_bytes = 4096;
    static constexpr unsigned input_count = 24;

    enum class Reg : u8 { IOAPICID = 0x00, IOAPICVER = 0x01, IOAPICARB = 0x02, IOREDTBL = 0x10 };

    // Registers itself with `processor` for ends of interrupts.
    explicit IoApic(LocalApic& processor);

    void reset();

    // Inputs: number 0-23, level, high when asserted.
    void hear_input(unsigned number, bool level);

    void end_of_interrupt(u8 vector) override;

    u32 read_mmio(u32 offset, unsigned size) override;
    void write_mmio(u32 offset, u32 value, unsigned size) override;

    // For the monitor.
    [[nodiscard]] u64 entry(unsigned input) const { return redirection_[input]; }
    [[nodiscard]] bool is_asserted(unsigned input) const { return test_bit(inputs_, input); }

  private:
    [[nodiscard]] u32 read_register() const;
    void write_register(u32 value);
    void write_entry(unsigned input, u64 value, u64 bits_written);
    void send(unsigned input);
    void serve_level(unsigned input);

    LocalApic& processor_;
    u8 select_ = 0;
    u32 id_ = 0;
    u32 inputs_ = 0;
    std::array<u64, input_count> redirection_{};
};

} // namespace truering
