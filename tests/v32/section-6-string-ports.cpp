// Section 6: INS and OUTS: the qualification, each iteration of a REP, none for a count of 0, the segment check before
// the exit and the page behind it.
#include "tests/v32/placed.hpp"

using namespace proof;

namespace {

constexpr u32 bitmap = scratch, buffer = scratch + 0x10000;
constexpr u32 port = 0x2a0; // nobody answers

void fill_bitmap(u32 value) {
    for (u32 i = 0; i < 8192; i += 4) word_at(bitmap + i) = value;
}

struct Form {
    const char* name;
    u32 opcode, size;
    bool in;
};
const Form forms[] = {
    {"6/INS of 1 byte: ", 0x6c, 1, true},    {"6/INS of 2 bytes: ", 0x6d, 2, true},
    {"6/INS of 4 bytes: ", 0x6d, 4, true},   {"6/OUTS of 1 byte: ", 0x6e, 1, false},
    {"6/OUTS of 2 bytes: ", 0x6f, 2, false}, {"6/OUTS of 4 bytes: ", 0x6f, 4, false},
};

// An instruction and what its qualification must say.
struct Shape {
    Bytes bytes;
    u32 qualification;
};

constexpr u32 overrides[6] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
constexpr u32 no_override = 6;

Shape shape(const Form& f, u32 rep, u32 segment, bool address_32, bool wide_code = true) {
    Bytes bytes{f.opcode};
    if (wide_code ? f.size == 2 : f.size == 4) bytes = prefixed(0x66, bytes);
    if (address_32 != wide_code) bytes = prefixed(0x67, bytes);
    if (rep) bytes = prefixed(rep, bytes);
    if (segment != no_override) bytes = prefixed(overrides[segment], bytes);
    const u32 used = f.in ? u32{ES} : segment == no_override ? u32{DS} : segment;
    return {bytes, f.size | (f.in ? u32{io_in} : 0) | io_string | (rep ? u32{io_rep} : 0) |
                       (address_32 ? u32{io_address_32} : 0) | used << io_segment_shift | port << io_port_shift};
}

void point(ControlArea& area, u32 at) {
    area.guest.gpr[EDX] = 0x77770000 | port;
    area.guest.gpr[ESI] = area.guest.gpr[EDI] = at;
    area.guest.gpr[ECX] = 3;
}

Wanted io_exit(const ControlArea& area, const Shape& s, u32 linear) {
    Wanted w = wanted(area, Reason::IO, s.bytes.length);
    w.qualification = s.qualification;
    w.qualification_value = linear;
    return w;
}

// --- The qualification

void qualifications() {
    for (const Form& f : forms)
        for (u32 rep : {0u, 0xf3u, 0xf2u})
            for (u32 segment = 0; segment <= no_override; ++segment)
                for (const bool address_32 : {true, false}) {
                    const Shape s = shape(f, rep, segment, address_32);
                    ControlArea& area = fresh_area(place(s.bytes));
                    point(area, 0x12340200);
                    area.guest.gpr[ECX] = 0x00050003;
                    for (u32 i = 0; i < 6; ++i) // a base of its own for each
                        if (i != CS && i != SS) area.guest.segment[i].base = scratch + 0x1000 * i;
                    const u32 used = (s.qualification & io_segment) >> io_segment_shift;
                    const u32 offset = address_32 ? 0x12340200 : 0x200;
                    expect_exit(Name(f.name, "the qualification"), area,
                                io_exit(area, s, area.guest.segment[used].base + offset));
                }
    for (const Form& f : forms)
        for (const bool v86 : {false, true})
            for (const bool address_32 : {true, false}) {
                const Shape s = shape(f, 0xf3, no_override, address_32, false);
                ControlArea& area = v86 ? fresh_v86(place(s.bytes)) : fresh_real(place(s.bytes));
                if (v86) guest_tss.io_map_base = __builtin_offsetof(Tss32, io_map);
                point(area, 0x1230);
                expect_exit(Name(f.name, v86 ? "in V86 mode" : "in real mode"), area,
                            io_exit(area, s, data_segment * 16 + 0x1230));
            }
}

// --- A count of 0

void count_0() {
    for (const Form& f : forms)
        for (u32 rep : {0xf3u, 0xf2u})
            for (const bool address_32 : {true, false}) {
                const Shape s = shape(f, rep, no_override, address_32);
                ControlArea& area = fresh_area(place(s.bytes));
                point(area, buffer);
                area.guest.gpr[ECX] = address_32 ? 0 : 0x55550000; // CX counts
                expect_exit(Name(f.name, "none for a REP of count 0"), area, ran(area, s.bytes));
                if (address_32) continue;
                area.guest.eip -= s.bytes.length;
                area.guest.gpr[ECX] = 0xffff0001;
                expect_exit(Name(f.name, "CX is 1"), area, io_exit(area, s, buffer & 0xffff));
            }
    for (const Form& f : forms) { // without REP, ECX is nothing
        const Shape s = shape(f, 0, no_override, true);
        ControlArea& area = fresh_area(place(s.bytes));
        point(area, buffer);
        area.guest.gpr[ECX] = 0;
        expect_exit(Name(f.name, "without REP ECX=0 exits"), area, io_exit(area, s, buffer));
    }
}

// --- Each iteration

void advance(StateRecord& guest, const Form& f) {
    guest.gpr[f.in ? EDI : ESI] += guest.eflags & DF ? 0u - f.size : f.size;
    guest.gpr[ECX] -= 1;
}

// The VMM does each itself.
void each_by_the_VMM() {
    for (const Form& f : forms)
        for (const u32 direction : {0u, u32{DF}}) {
            const Shape s = shape(f, 0xf3, no_override, true);
            ControlArea& area = fresh_area(place(s.bytes));
            point(area, buffer);
            area.guest.eflags |= direction;
            while (area.guest.gpr[ECX]) {
                expect_exit(Name(f.name, "each iteration of a REP exits"), area,
                            io_exit(area, s, area.guest.gpr[f.in ? EDI : ESI]));
                advance(area.guest, f);
            }
            expect_exit(Name(f.name, "and then it is over"), area, ran(area, s.bytes));
        }
}

void all_by_the_bitmap() {
    for (const Form& f : forms) {
        const Shape s = shape(f, 0xf3, no_override, true);
        ControlArea& area = fresh_area(place(s.bytes));
        fill_bitmap(0);
        area.io_bitmap = bitmap;
        point(area, buffer);
        Wanted w = ran(area, s.bytes);
        for (u32 i = 0; i < 3; ++i) advance(w.guest, f);
        expect_exit(Name(f.name, "runs by the bitmap's leave"), area, w);
        area.guest.eip -= s.bytes.length;
        point(area, buffer);
        byte_at(bitmap + (port + f.size - 1) / 8) = static_cast<u8>(1u << (port + f.size - 1) % 8);
        expect_exit(Name(f.name, "io_bitmap: any byte of the access"), area, io_exit(area, s, buffer));
        area.guest.gpr[EDX] = 0xffff;
        if (f.size == 1) continue;
        fill_bitmap(0);
        Wanted past = io_exit(area, s, buffer);
        past.qualification |= 0xffffu << io_port_shift;
        expect_exit(Name(f.name, "io_bitmap: past port FFFFH exits always"), area, past);
    }
}

// INS stores FFH, what an absent device answers, into the bitmap itself: the next iteration exits.
void bitmap_changed_by_an_iteration() {
    const Shape s = shape(forms[0], 0xf3, no_override, true);
    ControlArea& area = fresh_area(place(s.bytes));
    fill_bitmap(0);
    area.io_bitmap = bitmap;
    point(area, bitmap + port / 8 - 1);
    area.guest.gpr[ECX] = 100;
    Wanted w = io_exit(area, s, bitmap + port / 8 + 1);
    advance(w.guest, forms[0]);
    advance(w.guest, forms[0]);
    expect_exit("6/INS: each iteration reads the bitmap: one that changed it is seen", area, w);
}

// --- What comes first: LOCK, the I/O map, the segment; what does not: the page

void first_things_first() {
    for (const Form& f : forms) {
        const Shape s = shape(f, 0, no_override, true);
        ControlArea* area = &fresh_area(place(prefixed(0xf0, s.bytes)), 3);
        expect_exit(Name(f.name, "LOCK first: #UD"), *area, wanted_fault(*area, vector::UD, s.bytes.length + 1));
        area = &fresh_area(place(s.bytes), 3);
        point(*area, buffer);
        expect_exit(Name(f.name, "CPL>IOPL without an I/O map: #GP(0) first"), *area,
                    wanted_fault(*area, vector::GP, s.bytes.length, 0));
        for (const u32 beyond : {0u, 1u}) {
            area = &fresh_area(place(s.bytes));
            point(*area, 0x100);
            SegmentRecord& segment = area->guest.segment[f.in ? ES : DS];
            set_segment(segment, data_selector(0), flat_data, 0x100 + f.size - 1 - beyond, buffer);
            expect_exit(Name(f.name, "past the segment's limit: #GP(0) first"), *area,
                        beyond ? wanted_fault(*area, vector::GP, s.bytes.length, 0)
                               : io_exit(*area, s, buffer + 0x100));
        }
        area = &fresh_area(place(s.bytes));
        point(*area, buffer);
        set_segment(area->guest.segment[f.in ? ES : DS], 0, unusable, 0, 0);
        expect_exit(Name(f.name, "a null segment: #GP(0) first"), *area,
                    wanted_fault(*area, vector::GP, s.bytes.length, 0));
        area = &fresh_area(place(s.bytes));
        point(*area, buffer);
        area->guest.segment[f.in ? ES : DS].attributes = f.in ? 0xC91 : 0xC99; // read-only; execute-only
        expect_exit(Name(f.name, "a segment of the wrong kind: #GP(0) first"), *area,
                    wanted_fault(*area, vector::GP, s.bytes.length, 0));
        for (const u32 page : {0u, buffer | page_present}) {
            area = &fresh_area(place(s.bytes), 3);
            area->guest.eflags |= IOPL3 | AC;
            area->guest.cr0 |= AM;
            point(*area, buffer + 1);
            guest_page(buffer) = page;
            expect_exit(Name(f.name, "neither its page nor alignment is consulted"), *area,
                        io_exit(*area, s, buffer + 1));
        }
    }
    const Shape by_ss = shape(forms[3], 0, SS, true);
    ControlArea& area = fresh_area(place(by_ss.bytes));
    point(area, buffer);
    area.guest.segment[SS].limit = buffer - 1;
    area.guest.segment[SS].attributes = 0x493;
    expect_exit("6/OUTS by SS, past its limit: #SS(0) first", area,
                wanted_fault(area, vector::SS, by_ss.bytes.length, 0));
}

// By the bitmap's leave, paging is consulted in its turn: the iteration faults, those before it are done.
void pages_of_what_runs() {
    for (const Form& f : forms) {
        const Shape s = shape(f, 0xf3, no_override, true);
        ControlArea& area = fresh_area(place(s.bytes));
        fill_bitmap(0);
        area.io_bitmap = bitmap;
        point(area, buffer + 0x1000 - f.size);
        guest_page(buffer + 0x1000) = 0;
        Wanted w = wanted_fault(area, vector::PF, s.bytes.length, f.in ? u32{page_writable} : 0);
        w.qualification_value = buffer + 0x1000;
        advance(w.guest, f);
        expect_exit(Name(f.name, "by the bitmap's leave: #PF of the second iteration"), area, w);
    }
}

// --- STEP_EXIT: one iteration

void stepping() {
    for (const Form& f : forms) {
        const Shape s = shape(f, 0xf3, no_override, true);
        ControlArea& area = fresh_area(place(s.bytes));
        fill_bitmap(0);
        area.io_bitmap = bitmap;
        area.controls |= STEP_EXIT;
        point(area, buffer);
        for (u32 left = 3; left > 0; --left) {
            Wanted w = wanted(area, Reason::STEP);
            advance(w.guest, f);
            run(area);
            // RF between two iterations is as an interrupt there would push it.
            w.guest.eflags |= left > 1 ? u32{RF} : 0;
            w.guest.eflags &= left > 1 ? ~0u : ~u32{RF};
            if (left == 1) w.guest.eip += s.bytes.length;
            judge_exit(Name(f.name, "STEP_EXIT after each iteration"), area, w);
        }
        area.guest.eip -= s.bytes.length;
        area.guest.gpr[ECX] = 2;
        fill_bitmap(0xffffffff);
        area.guest.eflags |= RF;
        Wanted w = io_exit(area, s, area.guest.gpr[f.in ? EDI : ESI]);
        w.guest.eflags &= ~RF;
        expect_exit(Name(f.name, "an iteration that exits saves RF as 0, steps nothing"), area, w);
    }
}

} // namespace

void v32_tests() {
    qualifications();
    count_0();
    each_by_the_VMM();
    all_by_the_bitmap();
    bitmap_changed_by_an_iteration();
    first_things_first();
    pages_of_what_runs();
    stepping();
}
