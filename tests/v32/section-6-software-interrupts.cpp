// Section 6: INT n, INT3, INTO by redirect_software, before the gate is read and after what IA-32 refuses in V86 mode;
// INT1 by redirect_events[1].
#include "tests/v32/placed.hpp"

using namespace proof;

namespace {

constexpr u32 idt_bit = 2;

struct Form {
    const char* name;
    Bytes bytes;
    u32 vector, type, kind;
};
const Form forms[] = {
    {"6/INT n: ", {0xcd, 0x60}, 0x60, event_INT, soft_INT},
    {"6/INT n with n=3: ", {0xcd, 0x03}, 3, event_INT, soft_INT},
    {"6/INT n with n=4: ", {0xcd, 0x04}, 4, event_INT, soft_INT},
    {"6/INT n with n=1: ", {0xcd, 0x01}, 1, event_INT, soft_INT},
    {"6/INT n with prefixes: ", {0x2e, 0x66, 0x67, 0xcd, 0x80}, 0x80, event_INT, soft_INT},
    {"6/INT3: ", {0xcc}, 3, event_INT3_INTO, soft_INT3},
    {"6/INTO: ", {0xce}, 4, event_INT3_INTO, soft_INTO},
};
bool by_IOPL(const Form& f) { return f.type == event_INT; } // in V86 mode

u32 event_of(const Form& f) { return an_event(f.type, f.vector, length_bits(f.bytes.length)); }

Wanted soft_int(const ControlArea& area, const Form& f) {
    Wanted w = wanted(area, Reason::SOFT_INT, f.bytes.length);
    w.qualification = f.vector | f.kind;
    w.event = event_of(f);
    return w;
}

ControlArea& with_OF(ControlArea& area) {
    area.guest.eflags |= OF; // for INTO
    return area;
}

// --- The bitmap

void exits(const Form& f) {
    for (u32 ring = 0; ring < 4; ++ring) {
        ControlArea* area = &with_OF(fresh_area(place(f.bytes), ring));
        give_all_events(*area); // is not consulted
        for (u32 n = 0; n < 256; ++n)
            if (n != f.vector) give_software(*area, n);
        expect_exit(Name(f.name, "redirect_software=0: SOFT_INT"), *area, soft_int(*area, f));
        area = &with_OF(fresh_area(place(f.bytes), ring));
        area->guest.idtr.limit = 0;
        expect_exit(Name(f.name, "SOFT_INT before the gate is read: past the IDT's limit"), *area, soft_int(*area, f));
        area = &with_OF(fresh_area(place(f.bytes), ring));
        guest_page(address(guest_idt)) = 0;
        expect_exit(Name(f.name, "SOFT_INT before the gate is read: its page absent"), *area, soft_int(*area, f));
        guest_gate(f.vector, 0);
        area->guest.eflags |= u32{TF} | RF;
        Wanted w = soft_int(*area, f);
        w.guest.eflags &= ~RF;
        expect_exit(Name(f.name, "SOFT_INT is fault-like: RF saved as 0, no step"), *area, w);
    }
    ControlArea& area = with_OF(fresh_real(place(f.bytes)));
    expect_exit(Name(f.name, "SOFT_INT in real mode"), area, soft_int(area, f));
}

void given(const Form& f) {
    for (u32 ring : {0u, 3u}) {
        ControlArea* area = &with_OF(fresh_area(place(f.bytes), ring));
        give_software(*area, f.vector);
        guest_gate(f.vector, present | interrupt_gate32 | dpl(3));
        area->guest.eflags |= u32{RF} | TF;
        Wanted w = delivered(*area, {.vector = f.vector, .eip_advance = f.bytes.length});
        w.frame[2] &= ~RF;
        expect_exit(Name(f.name, "redirect_software=1: the guest's"), *area, w);
    }
    ControlArea* area = &with_OF(fresh_real(place(f.bytes)));
    give_software(*area, f.vector);
    expect_exit(Name(f.name, "redirect_software=1: the guest's in real mode"), *area,
                delivered(*area, {.vector = f.vector, .eip_advance = f.bytes.length}));

    area = &with_OF(fresh_area(place(f.bytes), 3)); // the gate's DPL is 0
    give_software(*area, f.vector);
    area->guest.eflags |= RF;
    Wanted w = wanted_fault(*area, vector::GP, f.bytes.length, f.vector * 8 + idt_bit);
    w.vectoring_event = event_of(f);
    w.guest.eflags &= ~RF; // as the INT would have pushed it
    expect_exit(Name(f.name, "redirect_software=1: the gate's DPL refuses: #GP"), *area, w);
    area = &with_OF(fresh_area(place(f.bytes), 3));
    give_software(*area, f.vector);
    give_event(*area, vector::GP);
    expect_exit(Name(f.name, "redirect_software=1: the gate's DPL refuses: the guest's own #GP"), *area,
                delivered(*area, {.vector = vector::GP, .error_code = f.vector * 8 + idt_bit, .more_flags = RF}));
}

void every_vector() {
    for (u32 n = 0; n < 256; ++n) {
        const Form f{"", {0xcd, n}, n, event_INT, soft_INT};
        ControlArea* area = &fresh_area(place(f.bytes), 3);
        expect_exit("6/INT n, each n: redirect_software=0: SOFT_INT", *area, soft_int(*area, f));
        area = &fresh_area(place(f.bytes), 3);
        give_software(*area, n);
        guest_gate(n, present | interrupt_gate32 | dpl(3));
        expect_exit("6/INT n, each n: redirect_software=1: the guest's", *area,
                    delivered(*area, {.vector = n, .eip_advance = 2}));
    }
}

void into_without_overflow() {
    const Bytes into{0xce};
    for (u32 redirected : {0u, 1u}) {
        ControlArea& area = fresh_area(place(into), 3);
        if (redirected) give_software(area, 4);
        expect_exit("6/INTO with OF=0: no exit", area, ran(area, into));
    }
}

void lock(const Form& f) {
    ControlArea& area = with_OF(fresh_area(place(prefixed(0xf0, f.bytes)), 3));
    give_software(area, f.vector);
    expect_exit(Name(f.name, "LOCK first: #UD"), area, wanted_fault(area, vector::UD, f.bytes.length + 1));
}

// --- V86 mode without VME

void v86(const Form& f) {
    for (u32 iopl = 0; iopl < 4; ++iopl)
        for (u32 redirected : {0u, 1u}) {
            ControlArea& area = with_OF(fresh_v86(place(f.bytes)));
            area.guest.eflags |= iopl << 12;
            guest_gate(f.vector, present | interrupt_gate32 | dpl(3));
            if (redirected) give_software(area, f.vector);
            if (iopl < 3 && by_IOPL(f))
                expect_exit(Name(f.name, "V86 mode, IOPL<3: #GP(0) first"), area,
                            wanted_fault(area, vector::GP, f.bytes.length, 0));
            else if (redirected)
                expect_exit(Name(f.name, "V86 mode: the guest's"), area,
                            delivered(area, {.vector = f.vector, .eip_advance = f.bytes.length}));
            else
                expect_exit(Name(f.name, "V86 mode: SOFT_INT"), area, soft_int(area, f));
        }
    if (!by_IOPL(f)) return;
    ControlArea& area = fresh_v86(place(f.bytes));
    give_event(area, vector::GP);
    expect_exit(Name(f.name, "V86 mode, IOPL<3: the guest's own #GP(0)"), area,
                delivered(area, {.vector = vector::GP, .error_code = 0, .more_flags = RF}));
}

// --- V86 mode with VME: the TSS's bit, IOPL, then redirect_software

ControlArea& with_vme(const Form& f, u32 tss_bit, u32 iopl) {
    ControlArea& area = with_OF(fresh_v86(place(f.bytes)));
    area.guest.cr4 |= VME;
    area.guest.eflags |= iopl << 12;
    guest_tss.io_map_base = __builtin_offsetof(Tss32, io_map);
    guest_tss.redirection[f.vector / 8] = static_cast<u8>(tss_bit << f.vector % 8);
    guest_gate(f.vector, present | interrupt_gate32 | dpl(3));
    return area;
}

// INT n through the 8086 program's own table.
Wanted to_8086(const ControlArea& area, const Form& f) {
    const bool virtual_IF = (area.guest.eflags & IOPL3) != IOPL3;
    Wanted w = wanted(area, Reason::V32CALL, 3);
    w.frame_word_size = 2;
    w.frame_bytes = 6;
    w.guest.gpr[ESP] -= 6;
    w.frame[0] = area.guest.eip + f.bytes.length;
    w.frame[1] = code_segment;
    const u32 shown_IF = virtual_IF ? area.guest.eflags & VIF : area.guest.sif;
    w.frame[2] = (area.guest.eflags & ~IF) | (virtual_IF ? u32{IOPL3} : 0) | (shown_IF ? u32{IF} : 0);
    if (virtual_IF)
        w.guest.eflags &= ~VIF;
    else
        w.guest.sif = 0;
    set_segment(w.guest.segment[CS], handler_segment, v86_segment, 0xffff, handler_segment * 16);
    w.guest.eip = 4 * f.vector;
    return w;
}

void vme(const Form& f) {
    for (u32 bits = 0; bits < 32; ++bits) {
        const u32 tss_bit = bits & 1, iopl = bits >> 1 & 3, redirected = bits >> 3 & 1, flag = bits >> 4;
        ControlArea& area = with_vme(f, tss_bit, iopl);
        if (redirected) give_software(area, f.vector);
        area.guest.sif = flag;
        area.guest.eflags |= flag ? u32{VIF} : 0;
        if (by_IOPL(f) && tss_bit && iopl < 3)
            expect_exit(Name(f.name, "VME, TSS bit 1 and IOPL<3: #GP(0) first"), area,
                        wanted_fault(area, vector::GP, f.bytes.length, 0));
        else if (!redirected)
            expect_exit(Name(f.name, "VME: SOFT_INT, whatever the TSS's bit"), area, soft_int(area, f));
        else if (by_IOPL(f) && !tss_bit)
            expect_exit(Name(f.name, "VME, TSS bit 0: the 8086 program's own"), area, to_8086(area, f));
        else
            expect_exit(Name(f.name, "VME: through the IDT"), area,
                        delivered(area, {.vector = f.vector, .eip_advance = f.bytes.length}));
    }
}

// The TSS's bitmap is out of reach: a bare processor refuses, before redirect_software is asked.
void vme_bitmap_out_of_reach() {
    const Form& f = forms[0];
    ControlArea& area = with_vme(f, 0, 0);
    guest_tss.io_map_base = 0x1800;
    const u32 at = address(&guest_tss) + 0x1800 - 32 + f.vector / 8;
    guest_page(at) = 0;
    Wanted w = wanted_fault(area, vector::PF, f.bytes.length, 0);
    w.qualification_value = at;
    expect_exit("6/INT n, VME: the page of the TSS's bitmap is absent: #PF first", area, w);
}

// --- INT1

void int1() {
    const Bytes bytes{0xf1};
    for (u32 kind = 0; kind < 6; ++kind) { // rings, V86 mode, real mode
        const auto world = [&]() -> ControlArea& {
            return kind < 4    ? fresh_area(place(bytes), kind)
                   : kind == 4 ? fresh_v86(place(bytes))
                               : fresh_real(place(bytes));
        };
        ControlArea* area = &world();
        for (u32 n = 0; n < 256; ++n) give_software(*area, n); // is not consulted
        Wanted w = wanted(*area, Reason::EXCEPTION);
        w.event = exception_event(vector::DB);
        w.guest.eip += 1;
        expect_exit("6/INT1 exits with redirect_events[1]=0: #DB without a cause, EIP behind it", *area, w);
        area = &world();
        give_event(*area, vector::DB);
        expect_exit("6/INT1 is the guest's with redirect_events[1]=1; the gate's DPL is not checked", *area,
                    delivered(*area, {.vector = vector::DB, .eip_advance = 1}));
    }
    ControlArea& area = fresh_area(place({0xf0, 0xf1}), 3);
    expect_exit("6/INT1 with LOCK: #UD", area, wanted_fault(area, vector::UD, 2));
}

} // namespace

void v32_tests() {
    for (const Form& f : forms) {
        exits(f);
        given(f);
        lock(f);
        v86(f);
        vme(f);
    }
    every_vector();
    into_without_overflow();
    vme_bitmap_out_of_reach();
    int1();
}
