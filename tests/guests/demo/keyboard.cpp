#include "keyboard.hpp"

#include "narrate.hpp"
#include "pic.hpp"
#include "pit.hpp"
#include "ports.hpp"
#include "traps.hpp"

namespace demo::keyboard {
namespace {

enum Port : uint16_t { data = 0x60, status = 0x64, command = 0x64 };

constexpr uint8_t status_output_full = 0x01;
constexpr uint8_t status_input_full = 0x02;
constexpr uint8_t write_output_buffer = 0xd2; // "pretend that the keyboard sent this"
constexpr uint8_t scan_code_a = 0x1e;

volatile uint32_t last_code;

Frame* on_interrupt(Frame* frame) {
    last_code = inb(data);
    pic::end_of_interrupt(1);
    return frame;
}

void send(uint16_t port, uint8_t value) {
    for (int patience = 100'000; patience && (inb(status) & status_input_full); --patience) {
    }
    outb(port, value);
}

} // namespace

void start() {
    while (inb(status) & status_output_full) {
        inb(data); // what the BIOS left: IRQ 1 rises for the next byte only
    }
    handle(vector::keyboard, on_interrupt);
    pic::unmask(1);
}

void press_a_key_for_us() {
    last_code = 0;
    send(command, write_output_buffer);
    send(data, scan_code_a);
    for (uint32_t begin = pit::ticks(); !last_code && pit::ticks() - begin < 50;) {
        asm volatile("hlt");
    }
    if (last_code) {
        say("Keyboard: IRQ 1 brought scan code ", hex16(last_code), " from port 60H (1E is the key A).");
    } else {
        say("Keyboard: no IRQ 1 came within half a second.");
    }
}

} // namespace demo::keyboard
