// A guest that wants out: it tries whatever a guest can do to reach, change or stop the VMM below it.
//
// It boots from a disk. A byte of CMOS says which attempt comes next, and is counted up before the attempt begins: an
// attempt that ends in a reset, a triple fault or a hang (which the host ends by INIT) is followed, after the firmware
// has run again, by the next one. So the machine must survive each attempt well enough to boot. Behind the last one
// the guest asks for Ringmaster's account and says "VERDICT": the host (hostile_test.cpp) judges that nothing of the
// VMM has changed. Here PASS and FAIL say what the guest itself can see.
//
// Over tests/conformance/protection/harness.hpp: enter() runs anything in any ring, until the first event.
#pragma once

#include "tests/conformance/protection/harness.hpp"

namespace hostile {

using namespace conformance;

constexpr uint32_t ram_end = 32u << 20; // of the machine that the host builds (hostile_test.cpp)
constexpr uint32_t page = 4096;
constexpr uint32_t large = 4u << 20;
constexpr uint32_t scratch = 0x40'0000, scratch_size = 0x40'0000; // RAM for code, tables and data of attempts

// --- Talk: lines on COM1

void say(const char* text);
void say_hex(uint32_t value);

// --- Chance: the same in every run, another in every attempt

void seed(uint32_t value);
uint32_t random();
inline uint32_t below(uint32_t limit) { return random() % limit; }
void fill_random(uint32_t address, uint32_t bytes);

// --- Instructions

inline void out8(uint16_t port, uint8_t value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
inline void out16(uint16_t port, uint16_t value) { asm volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
inline void out32(uint16_t port, uint32_t value) { asm volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }
inline uint8_t in8(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline uint32_t in32(uint16_t port) {
    uint32_t value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline volatile uint32_t& word_at(uint32_t address) { return *reinterpret_cast<volatile uint32_t*>(address); }
inline volatile uint8_t& byte_at(uint32_t address) { return *reinterpret_cast<volatile uint8_t*>(address); }

// --- What the attempts share

uint32_t hidden_begin(); // the first frame below ram_end that no write changes; found by looking
uint32_t hidden_end();   // and the end of such frames
constexpr uint8_t timer_vector = 0x50;
void start_watchdog(); // in two milliseconds the end of code that does not end by itself
void stop_watchdog();
[[noreturn]] void crash(); // a triple fault

// --- The attempts: one function each. attempt(n) returns false when there is no n-th

void sweep_frames(); // sweep.cpp: every frame, by every kind of paging
void sweep_unpaged();
void registers();         // registers.cpp: CR, MSR, the mode's instructions
void visit_VMM();         // jumps to where it is, or could be
void flood();             // exits, as many as it can
void toggle_A20();        // devices.cpp
void let_devices_write(); // DMA: fw_cfg, 8237, IDE
void configure_PCI();
void random_rings(); // random_code.cpp: rings 0 to 3 and V86
void random_tables();
void random_real_mode();

} // namespace hostile
