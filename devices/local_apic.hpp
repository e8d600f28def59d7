// The local APIC (xAPIC) of the machine's one processor.
//
// It stands between the interrupt controllers and the processor. Requests come from the I/O APIC as messages, from its
// own timer, from software (inter-processor interrupts to itself) and from two pins: LINT0, to which the pair of 8259s
// is wired, and LINT1, the NMI. Fixed requests wait in IRR until their priority class is above the processor's; the
// acknowledge cycle moves the highest to ISR, end of interrupt takes it out of there. A request of the 8259s (ExtINT)
// passes by all this: its acknowledge cycle goes on to them.
//
// Globally disabled (bit 11 of IA32_APIC_BASE off), it is as if it were not there: LINT0 is INTR and LINT1 is NMI.
// At reset LINT0 is unmasked in ExtINT mode, so that the 8259s work before any firmware knows of APICs.
//
// Registers are 32 bits wide, 16 bytes apart; the machine maps the 4 KiB page at the base that the processor holds,
// FEE00000H at reset. The timer counts at 1 GHz before the divider.
//
// Source: Intel SDM volume 3A, chapter 11 (APIC).
#pragma once

#include "base/bits.hpp"
#include "memory/clock.hpp"
#include "memory/interrupt_source.hpp"
#include "memory/line.hpp"
#include "memory/physical_memory.hpp"

#include <array>

namespace truering {

enum class DeliveryMode : u8 { Fixed = 0, LowestPriority = 1, SMI = 2, NMI = 4, INIT = 5, StartUp = 6, ExtINT = 7 };
enum class DestinationMode : u8 { Physical, Logical };
enum class TriggerMode : u8 { Edge, Level };

// What travels between APICs.
struct InterruptMessage {
    u8 vector = 0;
    DeliveryMode delivery = DeliveryMode::Fixed;
    DestinationMode destination_mode = DestinationMode::Physical;
    u8 destination = 0;
    TriggerMode trigger = TriggerMode::Edge;
};

// Hears of the end of level-triggered interrupts: the I/O APIC.
class EndOfInterruptListener {
  public:
    virtual void end_of_interrupt(u8 vector) = 0;

  protected:
    ~EndOfInterruptListener() = default;
};

class LocalApic final : public InterruptSource, public MmioDevice {
  public:
    static constexpr u64 default_base = 0xFEE0'0000;
    static constexpr u32 page_bytes = 4096;

    enum class Reg : u16 {
        ID = 0x020,
        Version = 0x030,
        TPR = 0x080,
        APR = 0x090,
        PPR = 0x0A0,
        EOI = 0x0B0,
        RRD = 0x0C0,
        LDR = 0x0D0,
        DFR = 0x0E0,
        SVR = 0x0F0,
        ISR = 0x100, // eight of each
        TMR = 0x180,
        IRR = 0x200,
        ESR = 0x280,
        ICR_Low = 0x300,
        ICR_High = 0x310,
        LVT_Timer = 0x320,
        LVT_Thermal = 0x330,
        LVT_PerfMon = 0x340,
        LVT_LINT0 = 0x350,
        LVT_LINT1 = 0x360,
        LVT_Error = 0x370,
        InitialCount = 0x380,
        CurrentCount = 0x390,
        DivideConfig = 0x3E0,
    };

    // `pics` is asked for the vector of an ExtINT. `id`: the initial APIC ID.
    LocalApic(Clock& clock, InterruptSource& pics, u8 id = 0);

    void set_eoi_listener(EndOfInterruptListener* listener) { eoi_listener_ = listener; }

    void reset();

    // IA32_APIC_BASE bit 11. Turning it on again resets all registers.
    void set_globally_enabled(bool enabled);

    // Inputs, level.
    void hear_lint0(unsigned, bool level); // the INT output of the 8259s
    void hear_lint1(unsigned, bool level); // NMI
    // False when this processor is not meant, or does not take it now.
    bool deliver(const InterruptMessage& message);

    // Outputs: INTR while a request may be acknowledged; NMI on its rising edge.
    Line interrupt;
    Line nmi;

    u8 acknowledge_interrupt() override;

    u32 read_mmio(u32 offset, unsigned size) override;
    void write_mmio(u32 offset, u32 value, unsigned size) override;

    // CR8 and the debugger look at the task priority without the page.
    [[nodiscard]] u32 read(Reg reg) const { return read_register(static_cast<u32>(reg)); }
    void write(Reg reg, u32 value) { write_register(static_cast<u32>(reg), value); }

  private:
    using Bitmap = std::array<u32, 8>; // one bit a vector

    enum Lvt : u8 { Timer, Thermal, PerfMon, LINT0, LINT1, Error, lvt_count };

    [[nodiscard]] u32 read_register(u32 offset) const;
    void write_register(u32 offset, u32 value);
    void write_lvt(Lvt entry, u32 value);
    void write_svr(u32 value);
    void write_icr(u32 value);
    void end_interrupt();

    [[nodiscard]] bool is_software_enabled() const { return test_bit(svr_, 8); }
    [[nodiscard]] bool is_meant(const InterruptMessage& message) const;
    bool accept_fixed(u8 vector, TriggerMode trigger);
    void fire_local(Lvt entry);
    void update_pin(Lvt entry, bool was, bool is);
    [[nodiscard]] bool ext_int_waits() const;
    [[nodiscard]] unsigned processor_priority() const;
    [[nodiscard]] int deliverable_vector() const; // -1: none
    void update_output();
    void note_error(unsigned n);

    [[nodiscard]] u64 divisor() const;
    [[nodiscard]] u32 current_count() const;
    void start_timer(u32 count);
    void arm_timer();
    void timer_alarm();

    Clock& clock_;
    InterruptSource& pics_;
    EndOfInterruptListener* eoi_listener_ = nullptr;
    Alarm alarm_;
    u8 initial_id_;
    bool globally_enabled_ = true;
    bool lint0_ = false;
    bool lint1_ = false;
    bool ext_int_message_ = false; // an ExtINT came as a message and was not acknowledged yet

    u32 id_ = 0;
    u32 tpr_ = 0;
    u32 ldr_ = 0;
    u32 dfr_ = 0;
    u32 svr_ = 0;
    u32 esr_ = 0;
    u32 esr_pending_ = 0;
    u32 icr_low_ = 0;
    u32 icr_high_ = 0;
    std::array<u32, lvt_count> lvt_{};
    Bitmap isr_{};
    Bitmap tmr_{};
    Bitmap irr_{};

    u32 initial_count_ = 0;
    u32 divide_config_ = 0;
    Nanoseconds timer_end_ = 0; // when the count reaches, or reached, zero
};

} // namespace truering
