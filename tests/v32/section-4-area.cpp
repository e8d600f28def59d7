// Sections 4, 4.1 to 4.3 and the VMM record of 4.4: the area is read once, what entry and exit write in it and what
// they leave alone, the time-stamp offset, and root's own state on the way out and back.
#include "tests/v32/harness.hpp"

using namespace proof;

namespace {

[[gnu::naked]] void call() { asm(CALL_VMM); }
[[gnu::naked]] void undefined() { asm("ud2"); }
[[gnu::naked]] void fill() { asm("rep stosl\n" CALL_VMM); } // EAX over ECX words at EDI

constexpr u32 scribble = 0xcdcdcdcd;

// The guest overwrites the whole area, inject_event and the VMM record among it.
void scribbled_on() {
    ControlArea& area = fresh_area(fill);
    StateRecord& guest = area.guest;
    guest.gpr[EAX] = scribble;
    guest.gpr[ECX] = area_size / 4;
    guest.gpr[EDI] = address(&area);
    area.exit.exit_count[0] = 41;
    Wanted w = wanted(area, Reason::V32CALL, 3);
    w.guest.eip += 2;
    w.guest.gpr[ECX] = 0;
    w.guest.gpr[EDI] += area_size;
    const ControlArea before = area;
    const u32 was_cr3 = [] {
        u32 value;
        asm volatile("mov %%cr3, %0" : "=r"(value));
        return value;
    }();
    const Event event = run(area);
    Check check("4/a guest that scribbles on the area harms nothing");
    check.equal("vector", event.vector, V32_VECTOR_VT);
    check.equal("error code", event.error_code, static_cast<u32>(Reason::V32CALL));
    check.equal("EIP", event.eip, after_V32ENTER());
    check.equal("EAX", event.now.eax, vmm_registers().eax);
    check.equal("EBP", event.now.ebp, vmm_registers().ebp);
    u32 cr3;
    asm volatile("mov %%cr3, %0" : "=r"(cr3));
    check.equal("CR3", cr3, was_cr3);
    check.equal("exit_reason", area.exit.exit_reason, static_cast<u32>(Reason::V32CALL));
    check.equal("qualification", area.exit.qualification, 0);
    check.equal("event", area.exit.event, 0);
    check.equal("vectoring_event", area.exit.vectoring_event, 0);
    check.equal("instruction_length", area.exit.instruction_length, 3);
    check.equal("instruction_bytes", area.exit.instruction_bytes[0], 0x0f);
    check.equal("instruction_bytes, the end", area.exit.instruction_bytes[15], 0);
    check.equal("exit_count", area.exit.exit_count[0], 42);
    const auto *got = reinterpret_cast<const u32*>(&area.guest), *should = reinterpret_cast<const u32*>(&w.guest);
    for (u32 i = 0; i < sizeof(StateRecord) / 4; ++i) check.equal("guest record", got[i], should[i]);
    for (u32 at = 0; at < area_size; at += 4) {
        const bool written = (at >= 0x80 && at < 0xc0) || (at >= 0x100 && at < 0x1d8);
        if (!written) check.equal("a word that the exit does not write", word_at(address(&area) + at), scribble);
    }
    area = before;
    area.guest.gpr[ECX] = 0;
    w = wanted(area, Reason::V32CALL, 3);
    w.guest.eip += 2;
    expect_exit("4/and the next entry is as any", area, w);
}

// What the guest changes in controls, bitmaps and injection has no effect: the processor works on its copy.
[[gnu::naked]] void scribble_and_hlt() {
    asm("mov %eax, 8(%edi)\n"    // controls
        "mov %edx, 0xc(%edi)\n"  // inject_event
        "mov %edx, 0x20(%edi)\n" // redirect_events
        "hlt; ud2");
}
void copy_is_used() {
    ControlArea& area = fresh_area(scribble_and_hlt);
    area.controls = HLT_EXIT;
    area.guest.gpr[EAX] = 0;
    area.guest.gpr[EDX] = 0xffffffff;
    area.guest.gpr[EDI] = address(&area);
    run(area);
    Check check("4/stores to the area have no effect in V32 mode");
    check.equal("exit_reason", area.exit.exit_reason, static_cast<u32>(Reason::HLT));
    check.equal("controls", area.controls, 0);
    check.equal("inject_event", area.inject_event, 0xffffffff);
}

// "Unnamed bytes must be 0 and are preserved": other values are preserved as well.
void unnamed_bytes() {
    ControlArea& area = fresh_area(call);
    for (u8& byte : area.unnamed_068) byte = 0x68;
    for (u8& byte : area.unnamed_0C0) byte = 0xc0;
    for (u8& byte : area.unnamed_1D8) byte = 0x1d;
    for (u8& byte : area.unnamed_2D8) byte = 0x2d;
    expect_exit("4/unnamed bytes are preserved", area, wanted(area, Reason::V32CALL, 3));
    area.revision = 0;
    expect_error("4/unnamed bytes are preserved by an entry that fails", area, 1);
}

void header_fields() {
    ControlArea* area = &fresh_area(call);
    area->instruction_error = 0xfedcba98;
    expect_exit("4.1/instruction_error is preserved by an entry that succeeds", *area,
                wanted(*area, Reason::V32CALL, 3));
    area = &fresh_area(call);
    area->guest.activity = 7;
    expect_error("4.1/instruction_error is written by an entry that fails", *area, 11);
    area = &fresh_area(call);
    area->tlb_drop = 1;
    area->tlb_address = 0x12345678;
    expect_exit("4.1/tlb_drop is 0 after an entry", *area, wanted(*area, Reason::V32CALL, 3));
    area->tlb_drop = 3;
    area->revision = 0;
    expect_error("4.1/tlb_drop stays when the entry fails", *area, 1);
    area = &fresh_area(call);
    area->inject_event = exception_event(vector::UD);
    area->inject_error_code = 0x1234;
    expect_exit("4.1/inject_event is 0 after an entry, inject_error_code stays", *area,
                delivered(*area, {.vector = vector::UD}));
    area = &fresh_area(call);
    area->inject_event = exception_event(vector::UD);
    area->tlb_drop = 4;
    expect_error("4.1/inject_event stays when the entry fails", *area, 14);
    area = &fresh_area(undefined);
    for (u8& byte : area->redirect_software) byte = 0xff;
    area->controls = u32{HLT_EXIT} | DR_EXIT;
    expect_exit("4.2/controls and bitmaps are preserved", *area, wanted_fault(*area, vector::UD, 2));
}

// --- Bit n mod 8 of byte n div 8

void order_of_bits() {
    for (u32 vector = 0; vector < 32; ++vector) {
        ControlArea& area = fresh_area(undefined);
        give_all_events(area);
        take_event(area, vector);
        if (vector == vector::UD)
            expect_exit("4.1/redirect_events: bit 6 of byte 0 is #UD's: it exits", area,
                        wanted_fault(area, vector::UD, 2));
        else
            expect_exit("4.1/redirect_events: another bit is not #UD's", area,
                        delivered(area, {.vector = vector::UD, .more_flags = RF}));
    }
}

[[gnu::naked]] void int_9d() { asm("int $0x9d"); }
void order_of_software_bits() {
    for (const u32 vector : {0x9du, 0x9cu, 0x9eu, 0x95u, 0xa5u, 0x1du}) {
        ControlArea& area = fresh_area(int_9d);
        for (u8& byte : area.redirect_software) byte = 0xff;
        area.redirect_software[vector / 8] = static_cast<u8>(0xff & ~(1u << vector % 8));
        if (vector == 0x9d) {
            Wanted w = wanted(area, Reason::SOFT_INT, 2);
            w.qualification = 0x9d;
            w.event = an_event(event_INT, 0x9d, length_bits(2));
            expect_exit("4.1/redirect_software: bit 5 of byte 13H is INT 9DH's: it exits", area, w);
        } else
            expect_exit("4.1/redirect_software: another bit is not INT 9DH's", area,
                        delivered(area, {.vector = 0x9d, .eip_advance = 2}));
    }
}

// --- I/O bitmap: read at each access, not copied

[[gnu::naked]] void out_80() { asm("out %al, $0x80\n" CALL_VMM); }
[[gnu::naked]] void open_and_out_80() { asm("movb $0, 0x400010; out %al, $0x80\n" CALL_VMM); }

void io_bitmap() {
    ControlArea* area = &fresh_area(out_80);
    area->guest.gpr[EAX] = 0;
    Wanted w = wanted(*area, Reason::IO, 2);
    w.qualification = 1 | io_immediate | 0x80u << io_port_shift;
    expect_exit("4.1/io_bitmap 0: all port I/O exits", *area, w);
    for (u32 i = 0; i < 8192; i += 4) word_at(scratch + i) = 0;
    area = &fresh_area(out_80);
    area->io_bitmap = scratch;
    w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip += 2;
    expect_exit("4.1/io_bitmap: bit 0 lets the access pass", *area, w);
    byte_at(scratch + 0x10) = 1;
    area = &fresh_area(out_80);
    area->io_bitmap = scratch;
    area->guest.gpr[EAX] = 0;
    w = wanted(*area, Reason::IO, 2);
    w.qualification = 1 | io_immediate | 0x80u << io_port_shift;
    expect_exit("4.1/io_bitmap: bit 1 exits", *area, w);
    area = &fresh_area(open_and_out_80); // the guest has the bitmap in its reach: the VMM's mistake, but then it counts
    area->io_bitmap = scratch;
    w = wanted(*area, Reason::V32CALL, 3);
    w.guest.eip += 9;
    expect_exit("4/only the I/O bitmap is read at each access", *area, w);
}

// --- Time

[[gnu::naked]] void rdtsc() { asm("rdtsc\n" CALL_VMM); }

void tsc_offset() {
    for (const u64 offset : {u64{0}, u64{0x100000000}, u64{0x123456789abcdef0}, ~u64{0}, u64{1} << 63}) {
        ControlArea& area = fresh_area(rdtsc);
        area.tsc_offset[0] = static_cast<u32>(offset);
        area.tsc_offset[1] = static_cast<u32>(offset >> 32);
        const u64 before = time_stamp();
        Wanted w = wanted(area, Reason::V32CALL, 3);
        run(area);
        const u64 after = time_stamp();
        w.guest.eip += 2;
        w.guest.gpr[EAX] = area.guest.gpr[EAX];
        w.guest.gpr[EDX] = area.guest.gpr[EDX];
        const u64 seen = (u64{area.guest.gpr[EDX]} << 32 | area.guest.gpr[EAX]) - offset;
        judge_exit("4.1/tsc_offset leaves exit_tsc alone", area, w);
        check("4.1/tsc_offset: RDTSC in V32 mode returns TSC + offset",
              seen > before && seen < wide(area.exit.exit_tsc) && wide(area.exit.exit_tsc) < after);
    }
}

void exit_count() {
    const u64 counts[] = {0, 1, 0xffffffff, 0x1234567890, ~u64{0}};
    for (const u64 count : counts) {
        ControlArea& area = fresh_area(call);
        area.exit.exit_count[0] = static_cast<u32>(count);
        area.exit.exit_count[1] = static_cast<u32>(count >> 32);
        expect_exit("4.3/exit_count is what entry read, plus 1", area, wanted(area, Reason::V32CALL, 3));
    }
    ControlArea& area = fresh_area(call);
    area.revision = 0;
    area.exit.exit_count[0] = 7;
    expect_error("4.3/exit_count: a failed entry is no exit", area, 1);
}

// Junk from an earlier exit is overwritten, wherever this exit has no value.
void exit_information_whole() {
    for (const u8 junk : {u8{0xff}, u8{0x55}}) {
        ControlArea& area = fresh_area(call);
        auto* bytes = reinterpret_cast<u8*>(&area.exit);
        for (u32 i = 0; i < sizeof area.exit; ++i) bytes[i] = junk;
        expect_exit("4.3/every exit writes all of its information: 0 where it has none", area,
                    wanted(area, Reason::V32CALL, 3));
    }
}

} // namespace

void v32_tests() {
    scribbled_on();
    copy_is_used();
    unnamed_bytes();
    header_fields();
    order_of_bits();
    order_of_software_bits();
    io_bitmap();
    tsc_offset();
    exit_count();
    exit_information_whole();
}
