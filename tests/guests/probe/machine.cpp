#include "tests/guests/probe/probe.hpp"

namespace probe {

void say(const char* text) {
    constexpr u16 com1 = 0x3F8, line_status = com1 + 5;
    constexpr u8 THRE = 0x20;
    for (; *text != 0; ++text) {
        while ((in8(line_status) & THRE) == 0) {
        }
        out8(com1, static_cast<u8>(*text));
    }
}

void say_number(u32 number) {
    const char digit[] = {static_cast<char>('0' + number % 10), 0};
    if (number >= 10) say_number(number / 10);
    say(digit);
}

void check(const char* name, bool right) {
    say(right ? "PASS " : "FAIL ");
    say(name);
    say("\n");
}

namespace {

u32 in32(u16 port) {
    u32 value = 0;
    asm volatile("inl %w1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
void out32(u16 port, u32 value) { asm volatile("outl %0, %w1" : : "a"(value), "Nd"(port) : "memory"); }
void out16(u16 port, u16 value) { asm volatile("outw %0, %w1" : : "a"(value), "Nd"(port) : "memory"); }

constexpr u32 CR0_PG = 1u << 31, CR4_PSE = 1u << 4, CR4_PAE = 1u << 5;
constexpr u32 large = 0x83; // P, RW, PS

// Above the image and below the BIOS's data.
u32* const directory = reinterpret_cast<u32*>(0x20000);
u64* const pae_directories = reinterpret_cast<u64*>(0x21000); // four pages
u64* const pae_pointers = reinterpret_cast<u64*>(0x25000);

void write_cr4(u32 value) { asm volatile("mov %0, %%cr4" : : "r"(value) : "memory"); }
void write_cr3(const void* table) { asm volatile("mov %0, %%cr3" : : "r"(table) : "memory"); }
void write_cr0(u32 value) { asm volatile("mov %0, %%cr0" : : "r"(value) : "memory"); }

} // namespace

// The PIIX4's power management function: PM1a_CNT takes SLP_EN with type 0 for "soft off".
void power_off() {
    constexpr u16 address_port = 0xCF8, data_port = 0xCFC, SLP_EN = 1 << 13;
    constexpr u32 piix4_power = 0x8000'0B00, PMBASE = 0x40;
    out32(address_port, piix4_power | PMBASE);
    out16(static_cast<u16>((in32(data_port) & 0xFFC0) + 4), SLP_EN);
    for (;;) asm volatile("cli; hlt");
}

void map_all_to_itself(Format format) {
    if (format == Format::Bits32) {
        for (u32 n = 0; n < 1024; ++n) directory[n] = n << 22 | large;
        write_cr4(read_cr4() | CR4_PSE);
        write_cr3(directory);
    } else {
        for (u32 n = 0; n < 2048; ++n) pae_directories[n] = u64{n} << 21 | large;
        for (u32 n = 0; n < 4; ++n) pae_pointers[n] = reinterpret_cast<u32>(pae_directories + 512 * n) | 1;
        write_cr4(read_cr4() | CR4_PAE);
        write_cr3(pae_pointers);
    }
    write_cr0(read_cr0() | CR0_PG);
}

void stop_paging() {
    write_cr0(read_cr0() & ~CR0_PG);
    write_cr4(read_cr4() & ~(CR4_PSE | CR4_PAE));
}

} // namespace probe
