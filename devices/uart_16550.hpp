// A 16550A UART: COM1 is 3F8H with IRQ 4, COM2 2F8H with IRQ 3.
//
// A byte written to THR is in the sink at once, so THRE and TEMT always read as 1 and a program that polls is not held
// up. The THRE interrupt, however, comes a character time after the last byte, so that a driver's interrupt routine
// finds an end; it comes at once when it is enabled, and goes when IIR has told of it. Receiving takes bytes as fast as
// the guest reads them: whoever feeds the chip asks can_receive() first, or has overruns. With FIFOs the character
// timeout comes four character times after the last byte that came or was read.
//
// The IRQ pin is gated by OUT2, as every PC's board does it; loopback takes the four output pins away, so no interrupt
// leaves the chip then.
// Source: National Semiconductor PC16550D datasheet.
#pragma once

#include "base/bits.hpp"
#include "devices/byte_fifo.hpp"
#include "devices/serial_sink.hpp"
#include "memory/clock.hpp"
#include "memory/line.hpp"
#include "memory/port_bus.hpp"

namespace truering {

class Uart16550 final : public PortDevice {
  public:
    static constexpr u16 com1 = 0x3F8;
    static constexpr u16 com2 = 0x2F8;
    static constexpr u16 com3 = 0x3E8;
    static constexpr u16 com4 = 0x2E8;
    static constexpr unsigned ports = 8;
    static constexpr unsigned fifo_size = 16;

    // Registers by address; DLL and DLM replace 0 and 1 while LCR.DLAB is set.
    enum class Reg : u8 {
        RBR_THR = 0,
        IER = 1,
        IIR_FCR = 2,
        LCR = 3,
        MCR = 4,
        LSR = 5,
        MSR = 6,
        SCR = 7,
    };

    // Modem inputs, in the places of MSR bits 7-4.
    static constexpr u8 CTS = 0x10;
    static constexpr u8 DSR = 0x20;
    static constexpr u8 RI = 0x40;
    static constexpr u8 DCD = 0x80;

    // sink: the other end of the line; null when nobody is there.
    Uart16550(Clock& clock, SerialSink* sink);
    Uart16550(const Uart16550&) = delete;
    Uart16550& operator=(const Uart16550&) = delete;

    void map(PortBus& bus, u16 first) { bus.map(first, ports, *this); }
    void reset();

    Line irq;

    // The receiver's input: a byte, a break, one with errors. Ignored in loopback.
    [[nodiscard]] bool can_receive() const;
    void receive(u8 byte);
    void receive_break();

    // The modem's outputs to this chip (CTS, DSR, RI, DCD or-ed). At power-on CTS, DSR and DCD are asserted.
    void set_modem_inputs(u8 lines);

    // This chip's outputs to the modem.
    Line dtr;
    Line rts;

    // What the guest programmed, for a backend that drives a real port.
    [[nodiscard]] unsigned baud() const;
    [[nodiscard]] u8 line_control() const { return lcr_; }

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

  private:
    // Sources of interrupts as IIR bits 3-1 name them, highest priority first.
    enum class Interrupt : u8 {
        LineStatus = 3,
        DataAvailable = 2,
        Timeout = 6,
        TransmitterEmpty = 1,
        Modem = 0,
        None = 0xFF
    };

    [[nodiscard]] bool fifos() const { return test_bit(fcr_, 0); }
    [[nodiscard]] bool dlab() const { return test_bit(lcr_, 7); }
    [[nodiscard]] bool loopback() const { return test_bit(mcr_, 4); }
    [[nodiscard]] unsigned trigger_level() const;
    [[nodiscard]] Interrupt interrupt() const;
    [[nodiscard]] Nanoseconds character_time() const;
    [[nodiscard]] u8 modem_status() const;
    [[nodiscard]] u8 word_mask() const;

    void arrive(u8 byte, u8 errors);
    void note_error_at_top();
    u8 read_rbr();
    u8 read_iir();
    u8 read_lsr();
    u8 read_msr();
    void write_thr(u8 value);
    void write_ier(u8 value);
    void write_fcr(u8 value);
    void write_lcr(u8 value);
    void write_mcr(u8 value);
    void note_modem_change(u8 before);
    void restart_timeout();
    void timed_out();
    void transmitted();
    void follow();

    Clock& clock_;
    SerialSink* sink_;
    Alarm timeout_alarm_;
    Alarm thre_alarm_;

    ByteFifo<fifo_size> received_;
    ByteFifo<fifo_size> errors_; // LSR's error bits of each byte in received_
    u8 rbr_ = 0;                 // what an empty receiver reads as
    u8 ier_ = 0;
    u8 fcr_ = 0;
    u8 lcr_ = 0;
    u8 mcr_ = 0;
    u8 line_errors_ = 0; // OE, PE, FE, BI, until LSR is read
    u8 modem_inputs_ = CTS | DSR | DCD;
    u8 modem_deltas_ = 0; // MSR bits 3-0
    u8 scr_ = 0;
    u16 divisor_ = 12;
    bool thre_pending_ = false;
    bool timeout_pending_ = false;
};

} // namespace truering
