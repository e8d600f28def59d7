// Section 6: IN and OUT. The TSS's I/O map and IOPL come first; then `io_bitmap`: every byte of the access, ports
// across a byte and across the pages of the bitmap, past port FFFFH always; without a bitmap everything exits. String
// I/O: section-6-string-ports.cpp.
#include "tests/v32/placed.hpp"

using namespace proof;

namespace {

constexpr u32 bitmap = scratch; // 8 KiB

void fill_bitmap(u32 value) {
    for (u32 i = 0; i < 8192; i += 4) word_at(bitmap + i) = value;
}
void set_bit(u32 port) { byte_at(bitmap + port / 8) = static_cast<u8>(byte_at(bitmap + port / 8) | 1u << port % 8); }

struct Form {
    const char* name;
    u32 opcode; // of the form with DX; minus 8 with an immediate port
    u32 size;
    bool in;
};
const Form forms[] = {
    {"6/IN of 1 byte: ", 0xec, 1, true},    {"6/IN of 2 bytes: ", 0xed, 2, true},
    {"6/IN of 4 bytes: ", 0xed, 4, true},   {"6/OUT of 1 byte: ", 0xee, 1, false},
    {"6/OUT of 2 bytes: ", 0xef, 2, false}, {"6/OUT of 4 bytes: ", 0xef, 4, false},
};

Bytes by_dx(const Form& f, bool wide_code = true) {
    const bool prefix = wide_code ? f.size == 2 : f.size == 4;
    return prefix ? Bytes{0x66, f.opcode} : Bytes{f.opcode};
}
Bytes by_immediate(const Form& f, u32 port) {
    return f.size == 2 ? Bytes{0x66, f.opcode - 8, port} : Bytes{f.opcode - 8, port};
}

u32 value_mask(u32 size) { return size == 4 ? 0xffffffff : (1u << 8 * size) - 1; }

Wanted io_exit(const ControlArea& area, const Form& f, u32 port, u32 length, u32 more = 0) {
    Wanted w = wanted(area, Reason::IO, length);
    w.qualification = f.size | (f.in ? u32{io_in} : 0) | port << io_port_shift | more;
    w.qualification_value = f.in ? 0 : area.guest.gpr[EAX] & value_mask(f.size);
    return w;
}

// The access goes to the bus: what IN reads is the bus's affair.
void expect_runs(const char* name, ControlArea& area, const Form& f, const Bytes& bytes) {
    Wanted w = ran(area, bytes);
    run(area);
    if (f.in) w.guest.gpr[EAX] = (w.guest.gpr[EAX] & ~value_mask(f.size)) | (area.guest.gpr[EAX] & value_mask(f.size));
    judge_exit(name, area, w);
}

// --- Without a bitmap

void without_a_bitmap() {
    for (const Form& f : forms)
        for (u32 port : {0u, 1u, 0x3f8u, 0x7fffu, 0x8000u, 0xfffcu, 0xffffu}) {
            const Bytes bytes = by_dx(f);
            ControlArea& area = fresh_area(place(bytes));
            area.guest.gpr[EDX] = 0xabcd0000 | port;
            expect_exit(Name(f.name, "io_bitmap=0: IO exits"), area, io_exit(area, f, port, bytes.length));
        }
    for (const Form& f : forms)
        for (u32 port : {0u, 0x60u, 0xfeu, 0xffu}) {
            const Bytes bytes = by_immediate(f, port);
            ControlArea& area = fresh_area(place(bytes));
            expect_exit(Name(f.name, "an immediate port"), area, io_exit(area, f, port, bytes.length, io_immediate));
        }
    for (const Form& f : forms)
        for (const bool v86 : {false, true}) {
            const Bytes bytes = by_dx(f, false);
            ControlArea& area = v86 ? fresh_v86(place(bytes)) : fresh_real(place(bytes));
            if (v86) guest_tss.io_map_base = __builtin_offsetof(Tss32, io_map); // everything is open
            area.guest.gpr[EDX] = 0x1f0;
            expect_exit(Name(f.name, v86 ? "in V86 mode" : "in real mode"), area,
                        io_exit(area, f, 0x1f0, bytes.length));
        }
}

// --- The bitmap

constexpr u32 unused_port = 0x2a0; // nobody answers on 2A0H..2AFH, nor on the others below

// One bit is set: the access exits exactly if it has that byte.
void one_bit() {
    for (const Form& f : forms)
        for (u32 base : {unused_port, 0x7ff8u}) // the second: across the two pages of the bitmap
            for (u32 port = base; port < base + 16; ++port)
                for (int distance = -2; distance <= 5; ++distance) {
                    const Bytes bytes = by_dx(f);
                    ControlArea& area = fresh_area(place(bytes));
                    fill_bitmap(0);
                    set_bit(port + static_cast<u32>(distance));
                    area.io_bitmap = bitmap;
                    area.guest.gpr[EDX] = port;
                    if (distance >= 0 && static_cast<u32>(distance) < f.size)
                        expect_exit(Name(f.name, "io_bitmap: any byte of the access exits"), area,
                                    io_exit(area, f, port, bytes.length));
                    else
                        expect_runs(Name(f.name, "io_bitmap: a bit beside the access does nothing"), area, f, bytes);
                }
}

void first_and_last() {
    for (const Form& f : forms) {
        const Bytes bytes = by_dx(f);
        for (u32 port : {0u, 0x10000 - f.size}) {
            for (u32 byte = 0; byte < f.size; ++byte) {
                ControlArea& area = fresh_area(place(bytes));
                fill_bitmap(0);
                set_bit(port + byte);
                area.io_bitmap = bitmap;
                area.guest.gpr[EDX] = port;
                expect_exit(Name(f.name, "io_bitmap: the first and the last port"), area,
                            io_exit(area, f, port, bytes.length));
            }
        }
        ControlArea& last = fresh_area(place(bytes));
        fill_bitmap(0);
        last.io_bitmap = bitmap;
        last.guest.gpr[EDX] = 0x10000 - f.size;
        expect_runs(Name(f.name, "io_bitmap: up to port FFFFH runs"), last, f, bytes);
        for (u32 port = 0x10001 - f.size; port <= 0xffff; ++port) {
            ControlArea& area = fresh_area(place(bytes));
            fill_bitmap(0);
            area.io_bitmap = bitmap;
            area.guest.gpr[EDX] = port;
            expect_exit(Name(f.name, "io_bitmap: past port FFFFH exits always"), area,
                        io_exit(area, f, port, bytes.length));
        }
        ControlArea& area = fresh_area(place(by_immediate(f, 0x90)));
        fill_bitmap(0);
        set_bit(0x90 + f.size - 1);
        area.io_bitmap = bitmap;
        expect_exit(Name(f.name, "io_bitmap: an immediate port"), area,
                    io_exit(area, f, 0x90, by_immediate(f, 0x90).length, io_immediate));
    }
}

// The one field of the area that is not copied: the bitmap is read at each access. The guest has it in its hands here.
void changed_while_running() {
    const Bytes bytes{0xec, 0x80, 0x0b, 0x01, 0xec}; // IN AL, DX; OR BYTE [EBX], 1; IN AL, DX
    ControlArea& area = fresh_area(place(bytes));
    fill_bitmap(0);
    area.io_bitmap = bitmap;
    area.guest.gpr[EDX] = unused_port;
    area.guest.gpr[EBX] = bitmap + unused_port / 8;
    Wanted w = io_exit(area, forms[0], unused_port, 1);
    run(area);
    w.guest.eip += 4;
    w.guest.gpr[EAX] = (w.guest.gpr[EAX] & ~0xffu) | (area.guest.gpr[EAX] & 0xff);
    w.guest.eflags = always; // of OR: 1
    judge_exit("6/io_bitmap changed while the guest runs is seen", area, w);
    byte_at(bitmap + unused_port / 8) = 0;
    Wanted end = wanted(area, Reason::V32CALL, 3);
    end.guest.eip += 1;
    run(area);
    end.guest.gpr[EAX] = (end.guest.gpr[EAX] & ~0xffu) | (area.guest.gpr[EAX] & 0xff);
    judge_exit("6/io_bitmap changed by the VMM is seen", area, end);
}

// What runs reaches the bus: the 8259A's mask register.
void it_really_runs() {
    const Bytes out{0xe6, 0x21}, in{0xe4, 0x21};
    ControlArea* area = &fresh_area(place(out));
    fill_bitmap(0);
    area->io_bitmap = bitmap;
    area->guest.gpr[EAX] = 0x5a;
    out8(0x21, 0xff);
    expect_exit("6/OUT by the bitmap's leave runs", *area, ran(*area, out));
    check_equal("6/OUT by the bitmap's leave: it arrived", in8(0x21), 0x5a);
    area = &fresh_area(place(in));
    area->io_bitmap = bitmap;
    Wanted w = ran(*area, in);
    w.guest.gpr[EAX] = 0x1111115a;
    expect_exit("6/IN by the bitmap's leave runs", *area, w);
    area = &fresh_area(place(out));
    area->guest.gpr[EAX] = 0xa5;
    expect_exit("6/OUT that exits has not run", *area, io_exit(*area, forms[3], 0x21, 2, io_immediate));
    check_equal("6/OUT that exits has not run: nothing arrived", in8(0x21), 0x5a);
    out8(0x21, 0xff);
}

// --- Who may: IOPL, and the TSS's I/O map

void open_tss_map(u32 port, u32 size) { // all others are shut
    for (u8& byte : guest_tss.io_map) byte = 0xff;
    for (u32 p = port; p < port + size; ++p) guest_tss.io_map[p / 8] &= static_cast<u8>(~(1u << p % 8));
    guest_tss.io_map_base = __builtin_offsetof(Tss32, io_map);
}

void iopl() {
    for (const Form& f : forms)
        for (u32 ring = 0; ring < 4; ++ring)
            for (u32 level = 0; level < 4; ++level) {
                const Bytes bytes = by_dx(f);
                ControlArea& area = fresh_area(place(bytes), ring);
                area.guest.eflags |= level << 12;
                area.guest.gpr[EDX] = unused_port;
                if (ring <= level)
                    expect_exit(Name(f.name, "CPL<=IOPL: IO"), area, io_exit(area, f, unused_port, bytes.length));
                else
                    expect_exit(Name(f.name, "CPL>IOPL, no I/O map: #GP(0) first"), area,
                                wanted_fault(area, vector::GP, bytes.length, 0));
            }
}

void tss_map() {
    for (const Form& f : forms)
        for (const bool v86 : {false, true})
            for (u32 shut = 0; shut <= f.size; ++shut) { // == size: none
                const Bytes bytes = by_dx(f, !v86);
                ControlArea& area = v86 ? fresh_v86(place(bytes)) : fresh_area(place(bytes), 3);
                if (v86) area.guest.eflags |= IOPL3; // is nothing to V86 I/O
                const u32 port = 0x2a6;              // across a byte of the map
                open_tss_map(port, f.size);
                if (shut < f.size) guest_tss.io_map[(port + shut) / 8] |= static_cast<u8>(1u << (port + shut) % 8);
                area.guest.gpr[EDX] = port;
                if (shut == f.size) {
                    expect_exit(Name(f.name, "the TSS's I/O map opens: IO"), area,
                                io_exit(area, f, port, bytes.length));
                    continue;
                }
                expect_exit(Name(f.name, "the TSS's I/O map shuts: #GP(0) first"), area,
                            wanted_fault(area, vector::GP, bytes.length, 0));
            }
    for (const bool given : {false, true}) {
        ControlArea& area = fresh_area(place({0xec}), 3);
        fill_bitmap(0);
        area.io_bitmap = given ? bitmap : 0;
        area.guest.gpr[EDX] = unused_port;
        give_event(area, vector::GP);
        expect_exit("6/IN, the TSS's I/O map shuts: the guest's own #GP(0), whatever io_bitmap says", area,
                    delivered(area, {.vector = vector::GP, .error_code = 0, .more_flags = RF}));
    }
    ControlArea& both = fresh_area(place({0xec}), 3);
    fill_bitmap(0);
    both.io_bitmap = bitmap;
    open_tss_map(unused_port, 1);
    both.guest.gpr[EDX] = unused_port;
    expect_runs("6/IN, both bitmaps open: it runs", both, forms[0], {0xec});
}

// The map is in the guest's memory: its page is absent, and the #PF is the guest's or the VMM's like any other.
void tss_map_absent() {
    ControlArea& area = fresh_area(place({0xec}), 3);
    open_tss_map(unused_port, 1);
    area.guest.gpr[EDX] = 0xa2a0;
    const u32 at = address(&guest_tss.io_map[0xa2a0 / 8]);
    guest_page(at) = 0;
    Wanted w = wanted_fault(area, vector::PF, 1, 0);
    w.qualification_value = at;
    expect_exit("6/IN, the TSS's I/O map is absent: #PF first", area, w);
}

void lock() {
    for (const Form& f : forms) {
        const Bytes bytes = prefixed(0xf0, by_dx(f));
        ControlArea& area = fresh_area(place(bytes), 3);
        expect_exit(Name(f.name, "LOCK first: #UD"), area, wanted_fault(area, vector::UD, bytes.length));
    }
}

} // namespace

void v32_tests() {
    without_a_bitmap();
    one_bit();
    first_and_last();
    changed_while_running();
    it_really_runs();
    iopl();
    tss_map();
    tss_map_absent();
    lock();
}
