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
constexpr size_t gdt = 0x180;
constexpr size_t product_name = 0x1A0;

// Assembled by hand; offsets are the ROM's.
constexpr u8 init_code[] = {
    0x52,             // 03        push dx
    0xBA, 0x04, 0x04, // 04        mov dx, 404h
    0xEE,             // 07        out dx, al          ; the firmware begins
    0x5A,             // 08        pop dx
    0xCB,             // 09        retf
};
constexpr u8 boot_code[] = {
    0xBA, 0x04, 0x04,                   // 40          mov dx, 404h
    0x66, 0xED,                         // 43          in eax, dx          ; how many kernels are left?
    0x66, 0x85, 0xC0,                   // 45          test eax, eax
    0x75, 0x02,                         // 48          jnz collect
    0xCD, 0x18,                         // 4A          int 18h             ; none; does not come back
    0x66, 0x31, 0xDB,                   // 4C collect: xor ebx, ebx        ; first range
    0xB8, 0x00, 0x70,                   // 4F          mov ax, 7000h
    0x8E, 0xC0,                         // 52          mov es, ax
    0x31, 0xFF,                         // 54          xor di, di
    0x66, 0xB8, 0x20, 0xE8, 0x00, 0x00, // 56 next:    mov eax, 0E820h
    0x66, 0xB9, 0x14, 0x00, 0x00, 0x00, // 5C          mov ecx, 20
    0x66, 0xBA, 0x50, 0x41, 0x4D, 0x53, // 62          mov edx, "SMAP"
    0xCD, 0x15,                         // 68          int 15h
    0x72, 0x0E,                         // 6A          jc done
    0x83, 0xC7, 0x14,                   // 6C          add di, 20
    0x66, 0x85, 0xDB,                   // 6F          test ebx, ebx
    0x74, 0x06,                         // 72          jz done
    0x81, 0xFF, 0x00, 0x14,             // 74          cmp di, 1400h
    0x72, 0xDC,                         // 78          jb next
    0x8C, 0xC8,                         // 7A done:    mov ax, cs          ; the linear address of the GDT
    0x66, 0x0F, 0xB7, 0xC0,             // 7C          movzx eax, ax
    0x66, 0xC1, 0xE0, 0x04,             // 80          shl eax, 4
    0x66, 0x05, 0x80, 0x01, 0x00, 0x00, // 84          add eax, 180h
    0x66, 0x50,                         // 8A          push eax            ; while there is a stack:
    0x6A, 0x17,                         // 8C          push 23             ; the kernel may be put over it
    0x89, 0xE5,                         // 8E          mov bp, sp
    0x66, 0x0F, 0x01, 0x56, 0x00,       // 90          lgdt [bp]
    0xFC,                               // 95          cld
    0xFA,                               // 96          cli
    0x89, 0xF8,                         // 97          mov ax, di
    0xBA, 0x04, 0x04,                   // 99          mov dx, 404h
    0xEF,                               // 9C          out dx, ax          ; the machine places the kernel
    0x66, 0xED,                         // 9D          in eax, dx
    0x66, 0x89, 0xC1,                   // 9F          mov ecx, eax        ; mode
    0x66, 0xED,                         // A2          in eax, dx
    0x66, 0x89, 0xC5,                   // A4          mov ebp, eax        ; EIP
    0x66, 0xED,                         // A7          in eax, dx
    0x66, 0x89, 0xC7,                   // A9          mov edi, eax        ; ESP
    0x66, 0xED,                         // AC          in eax, dx
    0x66, 0x89, 0xC3,                   // AE          mov ebx, eax
    0x66, 0xED,                         // B1          in eax, dx
    0x66, 0x89, 0xC6,                   // B3          mov esi, eax        ; selectors
    0x66, 0xED,                         // B6          in eax, dx          ; EAX
    0xE3, 0x09,                         // B8          jcxz load
    0x0F, 0x20, 0xC2,                   // BA          mov edx, cr0
    0x80, 0xCA, 0x01,                   // BD          or dl, 1            ; PE
    0x0F, 0x22, 0xC2,                   // C0          mov cr0, edx
    0x8E, 0xD6,                         // C3 load:    mov ss, si
    0x66, 0x89, 0xFC,                   // C5          mov esp, edi
    0x8E, 0xDE,                         // C8          mov ds, si
    0x8E, 0xC6,                         // CA          mov es, si
    0x8E, 0xE6,                         // CC          mov fs, si
    0x8E, 0xEE,                         // CE          mov gs, si
    0x66, 0xC1, 0xEE, 0x10,             // D0          shr esi, 16
    0x66, 0x56,                         // D4          push esi
    0x66, 0x55,                         // D6          push ebp
    0x66, 0xCB,                         // D8          retfd               ; a far jump to a place known only now
};
static_assert(boot_entry + sizeof boot_code <= gdt);

// Present, DPL 0, 32-bit, 4 GiB; accessed already, as the processor cannot write to a ROM.
constexpr u64 descriptors[] = {0, 0x00CF'9B00'0000'FFFF, 0x00CF'9300'0000'FFFF};
static_assert(gdt + sizeof descriptors <= product_name);

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
    std::copy(std::begin(init_code), std::end(init_code), rom.begin() + 3);
    rom[0x1A] = pnp_header;

    const u8 header[] = {'$', 'P', 'n', 'P', 1 /* revision */, pnp_header_size / 16};
    std::copy(std::begin(header), std::end(header), rom.begin() + pnp_header);
    rom[pnp_header + 0x10] = product_name & 0xFF;
    rom[pnp_header + 0x11] = product_name >> 8;
    rom[pnp_header + 0x12] = 0x02; // a network controller: what boots by itself
    rom[pnp_header + 0x15] = 0x14; // an initial program load device, read-cacheable
    rom[pnp_header + 0x1A] = boot_entry;
    std::copy(std::begin(boot_code), std::end(boot_code), rom.begin() + boot_entry);
    for (size_t n = 0; n < sizeof descriptors; ++n) rom[gdt + n] = static_cast<u8>(descriptors[n / 8] >> (n % 8 * 8));
    std::copy(std::begin(name), std::end(name), rom.begin() + product_name);

    set_checksum(rom, pnp_header, pnp_header_size, pnp_header + 9);
    set_checksum(rom, 0, rom_size, rom_size - 1);
    return rom;
}

} // namespace truering
