#include "serial.hpp"

#include "ports.hpp"

namespace demo::serial {
namespace {

// The registers, by the names of the 16550's datasheet. DLL and DLM take the places of THR and IER while LCR.DLAB is
// set.
enum Register : uint16_t {
    THR = 0x3f8,
    DLL = 0x3f8,
    IER = 0x3f9,
    DLM = 0x3f9,
    FCR = 0x3fa,
    LCR = 0x3fb,
    MCR = 0x3fc,
    LSR = 0x3fd
};

constexpr uint8_t lcr_dlab = 0x80;
constexpr uint8_t lcr_8n1 = 0x03;
constexpr uint8_t lsr_thr_empty = 0x20;

void send(char c) {
    // A bound, so that a machine without the chip does not hang us.
    for (int patience = 1'000'000; patience && !(inb(LSR) & lsr_thr_empty); --patience) {
    }
    outb(THR, static_cast<uint8_t>(c));
}

} // namespace

void start() {
    outb(IER, 0); // no interrupts: we poll
    outb(LCR, lcr_dlab);
    outb(DLL, 1); // 115200 divided by 1
    outb(DLM, 0);
    outb(LCR, lcr_8n1);
    outb(FCR, 0x07); // FIFOs on and empty
    outb(MCR, 0x03); // DTR, RTS
}

void put(char c) {
    if (c == '\n') {
        send('\r');
    }
    send(c);
}

} // namespace demo::serial
