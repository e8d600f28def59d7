#include "devices/uart_16550.hpp"

namespace truering {

namespace {

// IER
constexpr unsigned ERBFI = 0;
constexpr unsigned ETBEI = 1;
constexpr unsigned ELSI = 2;
constexpr unsigned EDSSI = 3;

// IIR
constexpr u8 no_interrupt = 0x01;
constexpr u8 fifos_enabled = 0xC0;

// FCR
constexpr u8 FIFO_ENABLE = 0x01;
constexpr u8 RCVR_FIFO_RESET = 0x02;
constexpr u8 fcr_kept = 0xC9; // enable, DMA mode, trigger

// LCR
constexpr unsigned STB = 2;
constexpr unsigned PEN = 3;
constexpr unsigned SET_BREAK = 6;

// MCR
constexpr unsigned DTR_bit = 0;
constexpr unsigned RTS_bit = 1;
constexpr unsigned OUT1_bit = 2;
constexpr unsigned OUT2_bit = 3;

// LSR
constexpr u8 DR = 0x01;
constexpr u8 OE = 0x02;
constexpr u8 BI = 0x10;
constexpr u8 THRE = 0x20;
constexpr u8 TEMT = 0x40;
constexpr u8 FIFO_ERROR = 0x80;

// MSR: the delta bit of an input stands four places below it; RI's tells only of its end (TERI)
constexpr u8 TERI = 0x04;

constexpr u64 crystal = 1'843'200;

} // namespace

Uart16550::Uart16550(Clock& clock, SerialSink* sink)
    : clock_(clock), sink_(sink), timeout_alarm_(Alarm::calling<&Uart16550::timed_out>(*this)),
      thre_alarm_(Alarm::calling<&Uart16550::transmitted>(*this)) {}

void Uart16550::reset() {
    received_.clear();
    errors_.clear();
    rbr_ = ier_ = fcr_ = lcr_ = mcr_ = line_errors_ = modem_deltas_ = scr_ = 0;
    thre_pending_ = timeout_pending_ = false;
    clock_.disarm(timeout_alarm_);
    clock_.disarm(thre_alarm_);
    dtr.lower();
    rts.lower();
    follow();
}

// --- Interrupts ------------------------------------------------------------------------------------------------

unsigned Uart16550::trigger_level() const {
    constexpr std::array<unsigned, 4> levels{1, 4, 8, 14};
    return fifos() ? levels[fcr_ >> 6] : 1;
}

Uart16550::Interrupt Uart16550::interrupt() const {
    if (test_bit(ier_, ELSI) && line_errors_ != 0) return Interrupt::LineStatus;
    if (test_bit(ier_, ERBFI) && received_.size() >= trigger_level()) return Interrupt::DataAvailable;
    if (test_bit(ier_, ERBFI) && timeout_pending_) return Interrupt::Timeout;
    if (test_bit(ier_, ETBEI) && thre_pending_) return Interrupt::TransmitterEmpty;
    if (test_bit(ier_, EDSSI) && modem_deltas_ != 0) return Interrupt::Modem;
    return Interrupt::None;
}

void Uart16550::follow() { irq.set(interrupt() != Interrupt::None && test_bit(mcr_, OUT2_bit) && !loopback()); }

u8 Uart16550::read_iir() {
    const Interrupt source = interrupt();
    const u8 fifo_bits = fifos() ? fifos_enabled : u8{0};
    if (source == Interrupt::None) return fifo_bits | no_interrupt;
    if (source == Interrupt::TransmitterEmpty) thre_pending_ = false;
    follow();
    return static_cast<u8>(fifo_bits | static_cast<u8>(source) << 1);
}

// Words of 5 to 8 bits. A chip that nobody programmed (LCR is 0, five bits) sends whole bytes all the same: programs
// that print without any set-up are common, those that want five bits are not.
u8 Uart16550::word_mask() const { return static_cast<u8>(lcr_ == 0 ? 0xFF : 0xFF >> (3 - (lcr_ & 3))); }

// --- Receiver --------------------------------------------------------------------------------------------------

bool Uart16550::can_receive() const { return !loopback() && (fifos() ? !received_.full() : received_.empty()); }

void Uart16550::receive(u8 byte) {
    if (!loopback()) arrive(byte, 0);
}

void Uart16550::receive_break() {
    if (!loopback()) arrive(0, BI);
}

void Uart16550::arrive(u8 byte, u8 errors) {
    byte &= word_mask();
    const bool room = fifos() ? !received_.full() : received_.empty();
    if (!room) {
        line_errors_ |= OE;
        if (fifos()) return follow(); // the shift register is overwritten, the FIFO keeps its bytes
        received_.clear();            // the unread byte is overwritten
        errors_.clear();
    }
    received_.push(byte);
    errors_.push(errors);
    if (received_.size() == 1) note_error_at_top();
    restart_timeout();
    follow();
}

// Errors of a byte show in LSR when it is the next one to be read.
void Uart16550::note_error_at_top() { line_errors_ = static_cast<u8>(line_errors_ | errors_.front()); }

u8 Uart16550::read_rbr() {
    if (!received_.empty()) {
        rbr_ = received_.pop();
        errors_.pop();
        if (!received_.empty()) note_error_at_top();
    }
    restart_timeout();
    follow();
    return rbr_;
}

Nanoseconds Uart16550::character_time() const {
    const unsigned bits_a_character =
        1 + 5 + (lcr_ & 3u) + (test_bit(lcr_, PEN) ? 1 : 0) + (test_bit(lcr_, STB) ? 2 : 1);
    const u64 divisor = divisor_ == 0 ? 0x1'0000 : divisor_;
    return bits_a_character * divisor * 16 * nanoseconds_per_second / crystal;
}

void Uart16550::restart_timeout() {
    timeout_pending_ = false;
    if (fifos() && !received_.empty())
        clock_.arm(timeout_alarm_, clock_.now() + 4 * character_time());
    else
        clock_.disarm(timeout_alarm_);
}

void Uart16550::timed_out() {
    timeout_pending_ = true;
    follow();
}

u8 Uart16550::read_lsr() {
    u8 status = THRE | TEMT | line_errors_;
    if (!received_.empty()) status |= DR;
    bool error_inside = false;
    ByteFifo<fifo_size> rest = errors_;
    while (!rest.empty()) error_inside |= rest.pop() != 0;
    if (fifos() && error_inside) status |= FIFO_ERROR;
    line_errors_ = 0;
    follow();
    return status;
}

// --- Transmitter -----------------------------------------------------------------------------------------------

void Uart16550::write_thr(u8 value) {
    thre_pending_ = false;
    clock_.arm(thre_alarm_, clock_.now() + character_time());
    if (loopback())
        arrive(value, 0);
    else if (sink_ != nullptr)
        sink_->transmit(value & word_mask());
    follow();
}

void Uart16550::transmitted() {
    thre_pending_ = true;
    follow();
}

// --- Modem -----------------------------------------------------------------------------------------------------

u8 Uart16550::modem_status() const {
    if (!loopback()) return modem_inputs_;
    u8 lines = 0;
    if (test_bit(mcr_, RTS_bit)) lines |= CTS;
    if (test_bit(mcr_, DTR_bit)) lines |= DSR;
    if (test_bit(mcr_, OUT1_bit)) lines |= RI;
    if (test_bit(mcr_, OUT2_bit)) lines |= DCD;
    return lines;
}

void Uart16550::note_modem_change(u8 before) {
    const u8 now = modem_status();
    const u8 changed = before ^ now;
    u8 deltas = static_cast<u8>((changed & (CTS | DSR | DCD)) >> 4);
    if ((before & RI) != 0 && (now & RI) == 0) deltas |= TERI;
    modem_deltas_ |= deltas;
    follow();
}

void Uart16550::set_modem_inputs(u8 lines) {
    const u8 before = modem_status();
    modem_inputs_ = lines & (CTS | DSR | RI | DCD);
    note_modem_change(before);
}

u8 Uart16550::read_msr() {
    const u8 status = modem_status() | modem_deltas_;
    modem_deltas_ = 0;
    follow();
    return status;
}

void Uart16550::write_mcr(u8 value) {
    const u8 before = modem_status();
    mcr_ = value & 0x1F;
    dtr.set(test_bit(mcr_, DTR_bit) && !loopback());
    rts.set(test_bit(mcr_, RTS_bit) && !loopback());
    note_modem_change(before);
}

// --- Registers -------------------------------------------------------------------------------------------------

unsigned Uart16550::baud() const {
    return static_cast<unsigned>(crystal / 16 / (divisor_ == 0 ? 0x1'0000u : divisor_));
}

void Uart16550::write_ier(u8 value) {
    // Enabling the THRE interrupt while THR is empty, as it always is, gives one.
    if (test_bit(value, ETBEI) && !test_bit(ier_, ETBEI)) thre_pending_ = true;
    ier_ = value & 0x0F;
    follow();
}

void Uart16550::write_fcr(u8 value) {
    const bool switched = ((value ^ fcr_) & FIFO_ENABLE) != 0;
    // Without the enable bit the others are not taken.
    fcr_ = (value & FIFO_ENABLE) != 0 ? value & fcr_kept : u8{0};
    if (switched || ((value & FIFO_ENABLE) != 0 && (value & RCVR_FIFO_RESET) != 0)) {
        received_.clear();
        errors_.clear();
        restart_timeout();
    }
    follow();
}

void Uart16550::write_lcr(u8 value) {
    const bool break_begins = test_bit(value, SET_BREAK) && !test_bit(lcr_, SET_BREAK);
    lcr_ = value;
    if (break_begins && loopback()) arrive(0, BI);
}

u32 Uart16550::read_port(u16 port, unsigned) {
    switch (static_cast<Reg>(port & 7)) {
    case Reg::RBR_THR: return dlab() ? divisor_ & 0xFFu : read_rbr();
    case Reg::IER: return dlab() ? divisor_ >> 8 : ier_;
    case Reg::IIR_FCR: return read_iir();
    case Reg::LCR: return lcr_;
    case Reg::MCR: return mcr_;
    case Reg::LSR: return read_lsr();
    case Reg::MSR: return read_msr();
    case Reg::SCR: return scr_;
    }
    return 0xFF;
}

void Uart16550::write_port(u16 port, u32 value, unsigned) {
    const u8 byte = static_cast<u8>(value);
    switch (static_cast<Reg>(port & 7)) {
    case Reg::RBR_THR:
        if (!dlab()) return write_thr(byte);
        divisor_ = static_cast<u16>((divisor_ & 0xFF00) | byte);
        break;
    case Reg::IER:
        if (!dlab()) return write_ier(byte);
        divisor_ = static_cast<u16>((divisor_ & 0x00FF) | byte << 8);
        break;
    case Reg::IIR_FCR: return write_fcr(byte);
    case Reg::LCR: return write_lcr(byte);
    case Reg::MCR: return write_mcr(byte);
    case Reg::LSR:
    case Reg::MSR: break; // factory test
    case Reg::SCR: scr_ = byte; break;
    }
}

} // namespace truering
