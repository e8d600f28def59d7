// Which attempt comes next, and what they share.
#include "tests/vmm/hostile/hostile.hpp"

#include "vmm/hypercall.h"

namespace hostile {

namespace {

// CMOS bytes that neither firmware nor this machine's clock uses.
constexpr uint8_t attempt_byte = 0x7E;

uint8_t read_cmos(uint8_t index) {
    out8(0x70, index);
    return in8(0x71);
}
void write_cmos(uint8_t index, uint8_t value) {
    out8(0x70, index);
    out8(0x71, value);
}

uint32_t state = 1;

void reset_by_CF9() { out8(0xCF9, 0x06); }
void reset_by_port_92() { out8(0x92, in8(0x92) | 1); }
void reset_by_keyboard_pulse() { out8(0x64, 0xFE); }
void reset_by_keyboard_output() {
    out8(0x64, 0xD1);
    out8(0x60, 0xFE);
}
void reset_by_word() { out16(0xCF8, 0x0600); } // CF9H is its second byte

struct Attempt {
    const char* name;
    void (*run)();
    uint32_t times; // each with another seed
};

constexpr Attempt attempts[] = {
    {"sweep of all frames by page tables", sweep_frames, 1},
    {"sweep without paging", sweep_unpaged, 1},
    {"control and model-specific registers", registers, 1},
    {"jumps to the VMM", visit_VMM, 1},
    {"a flood of exits", flood, 1},
    {"line A20", toggle_A20, 1},
    {"writes by devices", let_devices_write, 1},
    {"PCI configuration", configure_PCI, 1},
    {"reset by CF9H", reset_by_CF9, 1},
    {"reset by 92H", reset_by_port_92, 1},
    {"reset by the keyboard controller's pulse", reset_by_keyboard_pulse, 1},
    {"reset by its output port", reset_by_keyboard_output, 1},
    {"reset by a word at CF8H", reset_by_word, 1},
    {"a triple fault", crash, 1},
    {"random code in rings and V86", random_rings, HOSTILE_ROUNDS},
    {"random tables", random_tables, HOSTILE_ROUNDS},
    {"random code in real mode", random_real_mode, HOSTILE_ROUNDS},
};

void call_account() {
    uint32_t eax = RINGMASTER_SAY_ACCOUNT;
    asm volatile(".byte 0x0f, 0x04, 0xc1" : "+a"(eax) : : "ecx", "edx", "memory");
    check_equal("the account is given", eax, 0);
}

// Attempts that return, or leave the machine as it was, are followed by the next at once.
void run_from(uint32_t number) {
    uint32_t n = 0;
    for (const Attempt& attempt : attempts)
        for (uint32_t time = 0; time < attempt.times; ++time, ++n) {
            if (n < number) continue;
            write_cmos(attempt_byte, static_cast<uint8_t>(n + 1));
            say("attempt ");
            say_hex(n);
            say(": ");
            say(attempt.name);
            say("\n");
            seed(n * 7919 + HOSTILE_SEED);
            attempt.run();
        }
}

uint32_t first_hidden, behind_hidden;

void find_hidden() {
    for (uint32_t at = 2 * large; at < ram_end; at += page) {
        const uint32_t before = word_at(at);
        word_at(at) = ~before;
        const bool takes = word_at(at) == ~before;
        word_at(at) = before;
        if (takes) continue;
        if (first_hidden == 0) first_hidden = at;
        behind_hidden = at + page;
    }
}

} // namespace

void seed(uint32_t value) { state = value * 2654435761u | 1; }

// Xorshift (Marsaglia 2003).
uint32_t random() {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

void fill_random(uint32_t address, uint32_t size) {
    for (uint32_t n = 0; n < size; n += 4) word_at(address + n) = random();
}

void say(const char* text) {
    for (; *text != 0; ++text) {
        while ((in8(0x3FD) & 0x20) == 0) {
        }
        out8(0x3F8, static_cast<uint8_t>(*text));
    }
}

void say_hex(uint32_t value) {
    char text[9] = {};
    for (int n = 0; n < 8; ++n) text[n] = "0123456789ABCDEF"[value >> (28 - 4 * n) & 15];
    say(text);
}

uint32_t hidden_begin() { return first_hidden; }
uint32_t hidden_end() { return behind_hidden; }

// The timer's output: by the 8259 an interrupt, which ends a HLT, and by the I/O APIC's input 2 an NMI, which ends all
// else.
void start_watchdog() {
    constexpr uint32_t select = 0xFEC00000, window = 0xFEC00010, NMI_edge = 0x400;
    word_at(select) = 0x10 + 2 * 2 + 1;
    word_at(window) = 0;
    word_at(select) = 0x10 + 2 * 2;
    word_at(window) = NMI_edge;
    out8(0x20, 0x11); // ICW1 to ICW4: edges, a slave at input 2
    out8(0x21, timer_vector);
    out8(0x21, 4);
    out8(0x21, 1);
    out8(0x21, 0xFE); // IRQ 0 alone
    constexpr uint32_t two_milliseconds = 2386;
    out8(0x43, 0x30); // counter 0, mode 0: OUT rises at the end
    out8(0x40, two_milliseconds & 0xFF);
    out8(0x40, two_milliseconds >> 8);
}

void stop_watchdog() {
    out8(0x43, 0x30); // without a count nothing counts
    out8(0x21, 0xFF);
}

void crash() {
    struct [[gnu::packed]] {
        uint16_t limit;
        uint32_t base;
    } const nothing{0, 0};
    asm volatile("lidt %0\n\tint3" : : "m"(nothing));
    for (;;) {
    }
}

} // namespace hostile

void conformance_tests() {
    using namespace hostile;
    const uint8_t number = read_cmos(attempt_byte);
    find_hidden();
    run_from(number);
    call_account();
    check("a normal guest still boots and runs", true);
}
