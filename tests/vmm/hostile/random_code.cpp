// Anything: code of chance in any ring, V86 and real mode, with registers, descriptors and page tables of chance.
#include "tests/vmm/hostile/hostile.hpp"

namespace hostile {

namespace {

constexpr uint32_t code_area = scratch, code_size = 256, data_area = scratch + 0x10'0000, data_limit = 0xF'FFFF;

// Instructions that the mode has something to do with, more frequent here than chance would have them. Operands are
// chance's.
constexpr struct {
    uint8_t length, bytes[4];
} starts[] = {
    {2, {0x0F, 0xA2}},
    {2, {0x0F, 0x20}},
    {2, {0x0F, 0x22}},
    {2, {0x0F, 0x30}},
    {2, {0x0F, 0x32}},
    {2, {0x0F, 0x01}},
    {2, {0x0F, 0x00}},
    {3, {0x0F, 0x04, 0xC0}},
    {3, {0x0F, 0x04, 0xC1}},
    {2, {0x0F, 0x04}},
    {2, {0x0F, 0x06}},
    {2, {0x0F, 0x08}},
    {2, {0x0F, 0x09}},
    {2, {0x0F, 0x21}},
    {2, {0x0F, 0x23}},
    {2, {0x0F, 0x31}},
    {2, {0x0F, 0x33}},
    {2, {0x0F, 0x34}},
    {2, {0x0F, 0x35}},
    {1, {0xCD}},
    {1, {0xCC}},
    {1, {0xCE}},
    {1, {0xCF}},
    {1, {0x9D}},
    {1, {0x9C}},
    {1, {0xFA}},
    {1, {0xFB}},
    {1, {0xF4}},
    {1, {0xEA}},
    {1, {0x9A}},
    {1, {0xCB}},
    {1, {0xCA}},
    {1, {0x6C}},
    {1, {0x6F}},
    {2, {0xF3, 0x6D}},
    {2, {0xF3, 0x6E}},
    {2, {0xF3, 0xA4}},
    {2, {0xF3, 0xAB}},
    {1, {0x8E}},
    {1, {0x17}},
    {1, {0x1F}},
    {2, {0x0F, 0xB2}},
    {1, {0xC4}},
    {1, {0xE4}},
    {1, {0xEC}},
    {1, {0xED}},
    {1, {0xF0}},
    {1, {0x66}},
    {1, {0x67}},
    {1, {0xFF}},
};

void write_code(uint32_t at, uint32_t bytes) {
    fill_random(at, bytes);
    for (uint32_t n = 0; n + 8 < bytes;) {
        const auto& start = starts[below(sizeof starts / sizeof *starts)];
        for (uint32_t k = 0; k < start.length; ++k) byte_at(at + n + k) = start.bytes[k];
        n += start.length + below(5);
    }
}

uint32_t a_value() {
    switch (below(6)) {
    case 0: return hidden_begin() + below(hidden_end() - hidden_begin());
    case 1: return data_area + below(data_limit);
    case 2: return random() & 0xFFFF;
    case 3: return 0xF000'0000 + below(1u << 22);
    case 4: return below(0x80) * 8 + below(4); // a selector
    default: return random();
    }
}

// Segments that end within the scratch RAM: most of the rounds leave this guest as it is, so that there can be many.
constexpr uint32_t confined_slot = 40;
void confined_segments() {
    for (uint32_t ring = 0; ring < 4; ++ring)
        gdt[confined_slot + ring] = descriptor(data_area, data_limit, present | data_writable | dpl(ring), bits32);
}

Registers chance_state() {
    const uint32_t kind = below(32); // ring 0 is where most goes wrong for good
    const bool v86 = kind > 20;
    const uint32_t ring = v86 || kind > 8 ? 3 : kind > 4 ? 2 : kind > 0 ? 1 : 0;
    Registers r = in_ring(ring, crash);
    uint32_t* const gpr[] = {&r.eax, &r.ebx, &r.ecx, &r.edx, &r.esi, &r.edi, &r.ebp};
    for (uint32_t* const value : gpr) *value = a_value();
    r.eip = code_area + below(code_size / 2);
    r.eflags = always | (random() & (CF | PF | AF | ZF | SF | DF | OF | TF | IOPL3 | NT | AC));
    if (below(4) != 0) r.eflags &= ~IOPL3; // ports would be open, and IF
    if (below(8) != 0) r.eflags |= IF;
    const uint16_t data = slot_selector(confined_slot + ring, ring);
    r.ds = r.es = r.fs = r.gs = below(16) != 0 ? data : data_selector(ring);
    if (v86) {
        r.eflags |= VM;
        r.cs = 0x4000;
        r.eip = below(code_size);
        r.ss = r.ds = r.es = r.fs = r.gs = 0x5000;
        r.esp = 0xFFF0;
        write_code(0x4'0000, code_size);
    }
    return r;
}

} // namespace

void random_rings() {
    confined_segments();
    uint32_t done = 0, ended_by_watchdog = 0;
    for (uint32_t round = 0; round < HOSTILE_CODE_ROUNDS; ++round) {
        write_code(code_area, code_size);
        // Other descriptors of the table, and task gates, are chance's.
        for (uint32_t n = 20; n < 36; ++n) gdt[n] = uint64_t{random()} << 32 | random();
        start_watchdog();
        const Event event = enter(chance_state());
        stop_watchdog();
        if (event.vector == vector::NMI || event.vector == timer_vector) ++ended_by_watchdog;
        load_tr(tss_selector);
        load_ldt(0);
        asm volatile("clts");
        if ((cr0() & 0x8000'0001) != 1) set_cr0((cr0() & 0x7FFF'FFFF) | 1);
        ++done;
    }
    check_equal("rounds of code of chance", done, HOSTILE_CODE_ROUNDS);
    check("some of them were ended by the watchdog", ended_by_watchdog != 0);
}

// All tables are chance's at once, then something uses them. Nothing is left of this guest afterwards.
void random_tables() {
    struct [[gnu::packed]] {
        uint16_t limit;
        uint32_t base;
    } const tables{static_cast<uint16_t>(random()), data_area + (below(0x1000) & ~7u)};
    fill_random(data_area, 0x2'0000);
    for (uint32_t at = data_area; at < data_area + 0x1'0000; at += 8) // likely types: present, system or not
        byte_at(at + 5) = static_cast<uint8_t>(0x80 | (below(2) != 0 ? below(16) : random()));
    start_watchdog();
    const uint32_t kind = below(6);
    if (kind < 3) { // paging, by tables of chance
        fill_random(scratch, 0x4000);
        for (uint32_t at = scratch; at < scratch + 0x4000; at += 4)
            word_at(at) = (word_at(at) & 0x03FF'FFFF) | below(8);
        if (kind == 0) word_at(scratch) = 0x83;
        set_cr4(kind == 2 ? 0x20 : 0x10);
        set_cr3(scratch);
        set_cr0(cr0() | 1u << 31);
    }
    asm volatile("lgdt %0" : : "m"(tables));
    if (below(2) != 0) asm volatile("lidt %0" : : "m"(tables));
    for (uint32_t n = 0; n < 16; ++n) { // selectors of TSSs, gates and code
        const struct [[gnu::packed]] {
            uint32_t offset;
            uint16_t selector;
        } far{random(), static_cast<uint16_t>(random())};
        switch (below(4)) {
        case 0: asm volatile("ltr %0" : : "r"(far.selector)); break;
        case 1: asm volatile("lldt %0" : : "r"(far.selector)); break;
        case 2: asm volatile("mov %0, %%fs" : : "r"(far.selector)); break;
        default: asm volatile("lcall *%0" : : "m"(far)); break;
        }
    }
    asm volatile("int $0x33");
    crash();
}

// Code of chance at 0000:8000, in real mode with the BIOS's vectors, or with none. The host's watchdog ends it.
void random_real_mode() {
    write_code(0x8000, 0x400);
    static constexpr uint8_t to_real[] = {
        0x0F, 0x20, 0xC0,             // mov eax, cr0
        0x66, 0x83, 0xE0, 0xFE,       // and eax, ~1
        0x0F, 0x22, 0xC0,             // mov cr0, eax
        0xEA, 0x13, 0x7C, 0x00, 0x00, // jmp 0:7C13h
        0x90, 0x90, 0x90, 0x90,       //
        0x31, 0xC0,                   // xor ax, ax
        0x8E, 0xD8, 0x8E, 0xC0,       // mov ds, ax; mov es, ax
        0x8E, 0xD0, 0xBC, 0x00, 0x7C, // mov ss, ax; mov sp, 7C00h
        0xEA, 0x00, 0x80, 0x00, 0x00, // jmp 0:8000h
    };
    for (uint32_t n = 0; n < sizeof to_real; ++n) byte_at(0x7C00 + n) = to_real[n];
    gdt[50] = descriptor(0, 0xFFFF, present | code_readable, bits16);
    gdt[51] = descriptor(0, 0xFFFF, present | data_writable, bits16);
    const struct [[gnu::packed]] {
        uint16_t limit;
        uint32_t base;
    } vectors{static_cast<uint16_t>(below(2) != 0 ? 0x3FF : random()), 0};
    start_watchdog();
    asm volatile("lidt %0\n\tmov %1, %%ds\n\tmov %1, %%es\n\tmov %1, %%ss\n\tljmp %2, $0x7C00"
                 :
                 : "m"(vectors), "r"(51 * 8), "i"(50 * 8));
    crash();
}

} // namespace hostile
