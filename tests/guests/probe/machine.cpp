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

namespace {
constexpr u16 pci_address = 0xCF8, pci_data = 0xCFC;
}

u32 read_pci(u32 address) {
    out32(pci_address, address);
    return in32(pci_data);
}

void write_pci(u32 address, u32 value) {
    out32(pci_address, address);
    out32(pci_data, value);
}

// The PIIX4's power management function: PM1a_CNT takes SLP_EN with type 0 for "soft off". The ports are moved before.
void power_off() {
    constexpr u16 SLP_EN = 1 << 13, PM1a_CNT = 4;
    constexpr u32 PMBASE = pci(1, 3, 0x40), elsewhere = 0x5400;
    write_pci(PMBASE, elsewhere | 1);
    out16(static_cast<u16>((read_pci(PMBASE) & 0xFFC0) + PM1a_CNT), SLP_EN);
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
