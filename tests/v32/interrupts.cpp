// A physical interrupt that waits for whoever may take it: IRQ 0 by the timer, through the first 8259A.
#include "tests/v32/harness.hpp"

namespace proof {

namespace {

enum Port : u16 { master_command = 0x20, master_data = 0x21, timer_0 = 0x40, timer_control = 0x43 };

} // namespace

void pend_external_interrupt() {
    out8(master_command, 0x11); // initialisation: four words
    out8(master_data, external_vector);
    out8(master_data, 4);
    out8(master_data, 1);
    out8(master_data, 0xfe);   // IRQ 0 alone
    out8(timer_control, 0x30); // counter 0, mode 0: OUT rises when the count is over
    out8(timer_0, 50);
    out8(timer_0, 0);
    constexpr u8 read_requests = 0x0a;
    do out8(master_command, read_requests);
    while (!(in8(master_command) & 1));
}

bool external_interrupt_waits() {
    out8(master_command, 0x0a);
    return in8(master_command) & 1;
}

bool external_interrupt_in_service() {
    out8(master_command, 0x0b);
    return in8(master_command) & 1;
}

void end_external_interrupt() {
    out8(master_data, 0xff);
    out8(master_command, 0x20);
}

} // namespace proof
