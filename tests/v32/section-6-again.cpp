// Section 6 over time: what was executed often, without an exit, exits when the VMM or the guest has changed the rule,
// and the other way round. An emulator that remembers what it has decoded and judged is held to the rule of the moment.
#include "tests/v32/policies.hpp"

using namespace proof;

namespace {

constexpr u32 often = 500;

// The instruction `often` times, then V32CALL: INSTRUCTION; DEC ECX; JNZ.
Bytes loop_of(const Bytes& bytes) {
    Bytes loop = bytes;
    loop.byte[loop.length++] = 0x49;
    loop.byte[loop.length++] = 0x75;
    loop.byte[loop.length] = static_cast<u8>(0u - (loop.length + 1));
    ++loop.length;
    return loop;
}

struct Row {
    const char* name;
    Bytes bytes;
    u32 controls;
    Reason reason;
    u32 qualification;
    u32 value;
};
constexpr u32 table_at = scratch + 0x100;
const Row rows[] = {
    {"6/RDTSC_EXIT, again and again: ", {0x0f, 0x31}, RDTSC_EXIT, Reason::RDTSC, 0, 0},
    {"6/INVLPG_EXIT, again and again: ", {0x0f, 0x01, 0x3b}, INVLPG_EXIT, Reason::INVLPG, 0, table_at},
    {"6/DR_EXIT, again and again: ", {0x0f, 0x21, 0xc2}, DR_EXIT, Reason::DR_ACCESS, cr_MOV_from | 0x200, 0},
    {"6/DT_LOAD_EXIT, again and again: ", {0x0f, 0x01, 0x13}, DT_LOAD_EXIT, Reason::DT_LOAD, 0x80, table_at},
    {"6/DT_STORE_EXIT, again and again: ", {0x0f, 0x01, 0x0b}, DT_STORE_EXIT, Reason::DT_STORE, 0x81, table_at},
};

Wanted of_row(const ControlArea& area, const Row& row) {
    Wanted w = wanted(area, row.reason, row.bytes.length);
    w.qualification = row.qualification;
    w.qualification_value = row.value;
    return w;
}

void start_again(ControlArea& area, const StateRecord& start) { area.guest = start; }

// One world for all turns: fresh_area() would write V32_VCA.
void by_controls(const Row& row) {
    ControlArea& area = fresh_area(place(loop_of(row.bytes)));
    area.guest.gpr[EBX] = table_at;
    area.guest.gpr[ECX] = often;
    word_at(table_at) = (area.guest.gdtr.base << 16) | area.guest.gdtr.limit;
    word_at(table_at + 4) = area.guest.gdtr.base >> 16;
    const StateRecord start = area.guest;
    for (u32 turn = 0; turn < 4; ++turn) {
        start_again(area, start);
        area.controls = 0;
        run(area);
        {
            Check check(Name(row.name, "without the control it runs"));
            check.equal("exit_reason", area.exit.exit_reason, static_cast<u32>(Reason::V32CALL));
            check.equal("ECX", area.guest.gpr[ECX], 0);
        }
        start_again(area, start);
        word_at(table_at) = (area.guest.gdtr.base << 16) | area.guest.gdtr.limit;
        word_at(table_at + 4) = area.guest.gdtr.base >> 16;
        area.controls = row.controls;
        expect_exit(Name(row.name, "with the control it exits at once"), area, of_row(area, row));
    }
}

// --- redirect_software, redirect_events

void by_bitmaps() {
    // The guest's handler returns: INT n or UD2, over and over. UD2's handler skips it.
    const Bytes handler{0xcf}, skipping{0x83, 0x04, 0x24, 0x02, 0xcf};
    for (const bool software : {true, false}) {
        const Bytes bytes = software ? Bytes{0xcd, 0x60} : Bytes{0x0f, 0x0b};
        const u32 vector = software ? 0x60 : u32{vector::UD};
        ControlArea& area = fresh_area(place(loop_of(bytes)));
        const u32 handler_at = placed_at + 0x200;
        place(software ? handler : skipping, handler_at);
        guest_idt[vector] = gate(code_selector(0), handler_at, present | trap_gate32);
        area.guest.gpr[ECX] = often;
        const StateRecord start = area.guest;
        for (u32 turn = 0; turn < 4; ++turn) {
            start_again(area, start);
            software ? give_software(area, vector) : give_event(area, vector);
            run(area);
            {
                Check check(software ? "6/redirect_software, again and again: the guest's"
                                     : "6/redirect_events, again and again: the guest's");
                check.equal("exit_reason", area.exit.exit_reason, static_cast<u32>(Reason::V32CALL));
                check.equal("ECX", area.guest.gpr[ECX], 0);
            }
            start_again(area, start);
            area.redirect_software[vector / 8] = 0;
            take_event(area, vector);
            Wanted w = wanted_fault(area, vector, 2);
            if (software) {
                w = wanted(area, Reason::SOFT_INT, 2);
                w.qualification = 0x60;
                w.event = an_event(event_INT, 0x60, length_bits(2));
            }
            expect_exit(software ? "6/redirect_software, again and again: taken, it exits at once"
                                 : "6/redirect_events, again and again: taken, it exits at once",
                        area, w);
        }
    }
}

// --- The I/O bitmap: a byte of it counts the accesses, the port's bit is its highest

void by_the_io_bitmap() {
    constexpr u32 bitmap = scratch, port = 0x2a7, counter = bitmap + port / 8;
    const Bytes bytes{0xfe, 0x03, 0xec}; // INC BYTE [EBX]; IN AL, DX
    ControlArea& area = fresh_area(place(loop_of(bytes)));
    for (u32 i = 0; i < 8192; i += 4) word_at(bitmap + i) = 0;
    area.io_bitmap = bitmap;
    area.guest.gpr[EBX] = counter;
    area.guest.gpr[EDX] = port;
    area.guest.gpr[ECX] = often;
    const StateRecord start = area.guest;
    for (u32 turn = 0; turn < 3; ++turn) {
        start_again(area, start);
        byte_at(counter) = 0;
        Wanted w = wanted(area, Reason::IO, 1);
        w.qualification = 1 | io_in | port << io_port_shift;
        w.guest.eip += 2;
        w.guest.gpr[ECX] -= 127;
        run(area);
        w.guest.gpr[EAX] = area.guest.gpr[EAX];
        w.guest.eflags = (area.guest.eflags & status_flags) | always;
        judge_exit("6/io_bitmap, again and again: the access after its bit was set", area, w);
        check_equal("6/io_bitmap, again and again: the counter", byte_at(counter), 0x80);
    }
}

// --- The policies: CLI and STI, and POPF whose image changes

void by_policies() {
    const Bytes bytes{0xfb, 0xfa}; // STI; CLI
    ControlArea& area = fresh_area(place(loop_of(bytes)));
    area.guest.gpr[ECX] = often;
    const StateRecord start = area.guest;
    for (u32 turn = 0; turn < 3; ++turn)
        for (const Policy& policy : policies) {
            start_again(area, start);
            area.controls = 0;
            set_interrupt_flag(area, policy, 0, 0);
            if (is_trap(area)) {
                expect_exit("5/TRAP after SHADOW and DIRECT, the same code: exits at once", area,
                            wanted_attempt(area, if_STI, 1, 1));
                continue;
            }
            run(area);
            Check check(Name("5/the same code again and again without exits: ", policy.name));
            check.equal("exit_reason", area.exit.exit_reason, static_cast<u32>(Reason::V32CALL));
            check.equal("ECX", area.guest.gpr[ECX], 0);
            check.equal("sif", area.guest.sif, 0);
        }
}

void by_the_popped_image() {
    // PUSH [EBX]; POPF; ADD [EBX], 40H: the image's bit 9 becomes 1 at last.
    const Bytes bytes{0xff, 0x33, 0x9d, 0x83, 0x03, 0x40};
    ControlArea& area = fresh_area(place(loop_of(bytes)));
    area.guest.gpr[EBX] = scratch;
    area.guest.gpr[ECX] = often;
    word_at(scratch) = always;
    give_all_events(area); // TF comes up, too: its handler goes on
    const u32 handler_at = placed_at + 0x200;
    place({0xcf}, handler_at);
    guest_idt[vector::DB] = gate(code_selector(0), handler_at, present | trap_gate32);
    run(area);
    Check check("5/TRAP: POPF again and again, until its image has IF=1");
    check.equal("exit_reason", area.exit.exit_reason, static_cast<u32>(Reason::IF_MODIFY));
    check.equal("qualification", area.exit.qualification, if_POPF | 1);
    check.equal("turns", area.guest.gpr[ECX], often - 0x200 / 0x40);
    check.equal("sif", area.guest.sif, 0);
}

// --- The same bytes in root and in the mode

void in_root_and_in_the_mode() {
    const Bytes bytes{0x0f, 0xa2, 0xcd, 0x40}; // CPUID; INT 40H
    ControlArea& area = fresh_area(place(bytes));
    const StateRecord start = area.guest;
    for (u32 turn = 0; turn < 20; ++turn) {
        Registers r = in_ring(0, reinterpret_cast<Code>(placed_at));
        r.eax = 0;
        const Event event = enter(r);
        check_equal("6/the same bytes run in root", event.eip, placed_at + 4);
        start_again(area, start);
        expect_exit("6/and exit in the mode", area, wanted(area, Reason::CPUID, 2));
    }
    for (u32 turn = 0; turn < 20; ++turn) { // and a fault, which is root's or the VMM's
        place({0x0f, 0x0b});
        const Event event = enter(in_ring(3, reinterpret_cast<Code>(placed_at)));
        check_equal("6/the same #UD in root", event.vector, vector::UD);
        start_again(area, start);
        expect_exit("6/and in the mode", area, wanted_fault(area, vector::UD, 2));
    }
}

} // namespace

void v32_tests() {
    for (const Row& row : rows) by_controls(row);
    by_bitmaps();
    by_the_io_bitmap();
    by_policies();
    by_the_popped_image();
    in_root_and_in_the_mode();
}
