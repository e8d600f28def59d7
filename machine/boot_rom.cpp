#include "machine/boot_rom.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace truering {

namespace {

constexpr size_t rom_size = 512;
constexpr size_t pnp_header = 0x20;
constexpr size_t pnp_header_size = 32;
constexpr size_t boot_entry = 0x40;
constexpr size_t product_name = 0x80;

// Assembled by hand; offsets are the ROM's.
constexpr u8 boot_code[] = {
    0x66, 0x31, 0xDB,                   // 40        xor ebx, ebx       ; first range
    0xB8, 0x00, 0x70,                   // 43        mov ax, 7000h
    0x8E, 0xC0,                         // 46        mov es, ax
    0x31, 0xFF,                         // 48        xor di, di
    0x66, 0xB8, 0x20, 0xE8, 0x00, 0x00, // 4A next:  mov eax, 0E820h
    0x66, 0xB9, 0x14, 0x00, 0x00, 0x00, // 50        mov ecx, 20
    0x66, 0xBA, 0x50, 0x41, 0x4D, 0x53, // 56        mov edx, "SMAP"
    0xCD, 0x15,                         // 5C        int 15h
    0x72, 0x0E,                         // 5E        jc done
    0x83, 0xC7, 0x14,                   // 60        add di, 20
    0x66, 0x85, 0xDB,                   // 63        test ebx, ebx
    0x74, 0x06,                         // 66        jz done
    0x81, 0xFF, 0x00, 0x14,             // 68        cmp di, 1400h
    0x72, 0xDC,                         // 6C        jb next
    0x89, 0xF8,                         // 6E done:  mov ax, di
    0xBA, 0x04, 0x04,                   // 70        mov dx, 404h
    0xEF,                               // 73        out dx, ax
    0xF4,                               // 74 wait:  hlt
    0xEB, 0xFD,                         // 75        jmp wait
};

constexpr char name[] = "Truering kernel";

void set_checksum(std::vector<u8>& rom, size_t first, size_t size, size_t at) {
    rom[at] = 0;
    const auto begin = rom.begin() + static_cast<std::ptrdiff_t>(first);
    const unsigned sum = std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(size), 0u);
    rom[at] = static_cast<u8>(0u - sum);
}

} // namespace

std::vector<u8> make_boot_rom() {
    std::vector<u8> rom(rom_size);
    rom[0] = 0x55;
    rom[1] = 0xAA;
    rom[2] = rom_size / 512;
    rom[3] = 0xCB; // initialisation: RETF
    rom[0x1A] = pnp_header;

    const u8 header[] = {'$', 'P', 'n', 'P', 1 /* revision */, pnp_header_size / 16};
    std::copy(std::begin(header), std::end(header), rom.begin() + pnp_header);
    rom[pnp_header + 0x10] = product_name;
    rom[pnp_header + 0x12] = 0x02; // a network controller: what boots by itself
    rom[pnp_header + 0x15] = 0x14; // an initial program load device, read-cacheable
    rom[pnp_header + 0x1A] = boot_entry;
    std::copy(std::begin(boot_code), std::end(boot_code), rom.begin() + boot_entry);
    std::copy(std::begin(name), std::end(name), rom.begin() + product_name);

    set_checksum(rom, pnp_header, pnp_header_size, pnp_header + 9);
    set_checksum(rom, 0, rom_size, rom_size - 1);
    return rom;
}

} // namespace truering
