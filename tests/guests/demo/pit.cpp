#include "pit.hpp"

#include "narrate.hpp"
#include "pic.hpp"
#include "ports.hpp"

namespace demo::pit {
namespace {

constexpr uint32_t input_hz = 1'193'182;
constexpr uint32_t tick_hz = 100;
constexpr uint8_t counter_0_lsb_msb_mode_2 = 0x34;

volatile uint32_t count;

} // namespace

void start() {
    constexpr uint32_t divisor = input_hz / tick_hz;
    outb(0x43, counter_0_lsb_msb_mode_2);
    outb(0x40, divisor & 0xff);
    outb(0x40, divisor >> 8);
    pic::unmask(0);
    say("PIT: counter 0 divides ", input_hz, " Hz by ", divisor, ": ", tick_hz, " interrupts a second.");
}

uint32_t ticks() { return count; }

void count_tick() { count = count + 1; }

void wait(uint32_t duration) {
    const uint32_t begin = count;
    while (count - begin < duration) {
        asm volatile("hlt");
    }
}

} // namespace demo::pit
