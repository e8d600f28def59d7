// The probe's parts: answers from real mode (real_mode.S), attempts at instructions that may fault (attempts.S), the
// machine (machine.cpp).
#pragma once

#include "base/types.hpp"

namespace probe {

using namespace truering;
using Code = void (*)();

extern "C" {
extern u8 map_by_INT[], map_by_far_call[], map_by_chain[];
extern u16 flags_with_IF, flags_without_IF, handler_calls, size_low, size_high, size_88, machine_status_in_memory;
extern u32 configuration, configuration_by_far_call, machine_status;
extern u8 port_92, port_92_by_string[2];

u32 attempt(Code code); // the vector of the exception that it met, or all ones
void load_idt();
extern u32 operand; // of these
void do_RDMSR();
void do_WRMSR();
void do_CR0();
void do_CR4();
void do_V32ENTER();
void do_NMI();
void do_nested_NMI();
extern u32 nmi_count, nmi_count_inside;
void do_INVD();
void do_WBINVD();
u32 vmm_call(u32 function, u32 argument, u32* edx);
[[noreturn]] void triple_fault();
}

struct Cpuid {
    u32 eax, ebx, ecx, edx;
};
inline Cpuid cpuid(u32 leaf) {
    Cpuid c{};
    asm volatile("cpuid" : "=a"(c.eax), "=b"(c.ebx), "=c"(c.ecx), "=d"(c.edx) : "a"(leaf), "c"(0));
    return c;
}
inline u32 read_cr0() {
    u32 value = 0;
    asm volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}
inline u32 read_cr4() {
    u32 value = 0;
    asm volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}
inline u64 rdtsc() {
    u64 value = 0;
    asm volatile("rdtsc" : "=A"(value));
    return value;
}
inline u8 in8(u16 port) {
    u8 value = 0;
    asm volatile("inb %w1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline void out8(u16 port, u8 value) { asm volatile("outb %0, %w1" : : "a"(value), "Nd"(port) : "memory"); }

inline u32 in32(u16 port) {
    u32 value = 0;
    asm volatile("inl %w1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
inline void out32(u16 port, u32 value) { asm volatile("outl %0, %w1" : : "a"(value), "Nd"(port) : "memory"); }
inline void out16(u16 port, u16 value) { asm volatile("outw %0, %w1" : : "a"(value), "Nd"(port) : "memory"); }

void say(const char* text);
void say_number(u32 number);
void check(const char* name, bool right);
[[noreturn]] void power_off();

// A register in the configuration space of a function of bus 0.
constexpr u32 pci(u32 slot, u32 function, u32 reg) { return 0x8000'0000 | slot << 11 | function << 8 | reg; }
u32 read_pci(u32 address);
void write_pci(u32 address, u32 value);

// Devices that write to memory by themselves (devices.cpp).
void probe_devices(u32 hidden, u32 size);

enum class Format { Bits32, PAE };
void map_all_to_itself(Format format); // and turns paging on
void stop_paging();

} // namespace probe
