#include "pic.hpp"

#include "narrate.hpp"
#include "ports.hpp"

namespace demo::pic {
namespace {

enum Port : uint16_t { master_command = 0x20, master_data = 0x21, slave_command = 0xa0, slave_data = 0xa1 };

constexpr uint8_t icw1_init_icw4 = 0x11;
constexpr uint8_t icw4_8086 = 0x01;
constexpr uint8_t ocw2_eoi = 0x20;
constexpr uint32_t cascade_irq = 2;

} // namespace

void start() {
    // The BIOS left IRQ 0..7 on vectors 8..15, where protected mode has its exceptions: move them.
    outb(master_command, icw1_init_icw4);
    outb(slave_command, icw1_init_icw4);
    outb(master_data, 0x20); // ICW2: first vector
    outb(slave_data, 0x28);
    outb(master_data, 1u << cascade_irq); // ICW3: the slave hangs on IR2,
    outb(slave_data, cascade_irq);        //   and is told so
    outb(master_data, icw4_8086);
    outb(slave_data, icw4_8086);
    outb(master_data, 0xff & ~(1u << cascade_irq)); // OCW1: the mask
    outb(slave_data, 0xff);
    say("PIC: IRQ 0 to 15 arrive as vectors ", hex16(0x20), " to ", hex16(0x2f), "; all are masked for now.");
}

void unmask(uint32_t irq) {
    const uint16_t port = irq < 8 ? master_data : slave_data;
    outb(port, static_cast<uint8_t>(inb(port) & ~(1u << (irq & 7))));
}

void end_of_interrupt(uint32_t irq) {
    if (irq >= 8) {
        outb(slave_command, ocw2_eoi);
    }
    outb(master_command, ocw2_eoi);
}

} // namespace demo::pic
